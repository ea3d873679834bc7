"""`read_metrics`: predictions with all that was attached to them, and what was said of spans of time, from the metric store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from streaming.errors import ConfigError, StoreError, Unavailable, first_line
from streaming.metrics.read_result import Aggregate, MetricsRead, Prediction
from streaming.metrics.sdk import configuration
from streaming.metrics.tracking import Instant, instant
from streaming.settings import METRICS_WITHOUT

_CHUNK = 5_000
_DATED = "(%(start)s::timestamptz IS NULL OR {at} >= %(start)s) AND (%(end)s::timestamptz IS NULL OR {at} < %(end)s)"
_OF_MODEL = """(%(deployment)s::text IS NULL OR deployment = %(deployment)s) AND (%(model)s::text IS NULL OR {model} = %(model)s)
    AND (%(version)s::text IS NULL OR model_version = %(version)s)"""
_SERVED = f"""
    SELECT prediction_id::text, deployment, model_name AS model, model_version AS version, event_time AS predicted_at, score,
           predicted_class, entity_id, event_id
    FROM prediction WHERE role <> 'shadow' AND {_OF_MODEL.format(model="model_name")} AND {_DATED.format(at="event_time")}
      AND (%(uuids)s::uuid[] IS NULL OR prediction_id = ANY(%(uuids)s::uuid[]))
    ORDER BY event_time, prediction_id LIMIT %(limit)s"""  # noqa: S608 (text of ours)
_TRACKED = f"""
    SELECT prediction_id, min(deployment) AS deployment, max(model) AS model, max(model_version) AS version, min(at) AS predicted_at,
           NULL::double precision AS score, NULL AS predicted_class, NULL AS entity_id, NULL AS event_id
    FROM metric_tracked WHERE call = 'prediction' AND {_OF_MODEL.format(model="model")} AND {_DATED.format(at="at")}
      AND (%(ids)s::text[] IS NULL OR prediction_id = ANY(%(ids)s))
    GROUP BY prediction_id ORDER BY predicted_at, prediction_id LIMIT %(limit)s"""  # noqa: S608
_ATTACHED = "SELECT prediction_id, metrics FROM metric_tracked WHERE prediction_id = ANY(%s) AND prediction_id <> '' ORDER BY at, record_id"
_AGGREGATES = f"""
    SELECT deployment, model, model_version AS version, began_at AS start, ended_at AS "end", at, metrics
    FROM metric_tracked WHERE call = 'aggregate' AND {_OF_MODEL.format(model="model")}
      AND (%(start)s::timestamptz IS NULL OR ended_at > %(start)s) AND (%(end)s::timestamptz IS NULL OR began_at < %(end)s)
    ORDER BY at, record_id"""  # noqa: S608


def read_metrics(
    deployment: str | None = None,
    model: str | None = None,
    version: str | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    *,
    prediction_ids: Sequence[str] | None = None,
    names: Iterable[str] | None = None,
    limit: int = 100_000,
) -> MetricsRead:
    """Predictions made at start <= time < end with all that was ever attached to them, and the aggregates that overlap that time.

    None stands for all. Times as of `track_aggregate_metrics`. prediction_ids: these predictions alone; name a time too, where it is
    known: without one all months are searched. names: metrics to return; None is all. limit: most predictions; `truncated` says
    whether there were more. Predictions are those of the operational store (not the shadows') and those that were only tracked, oldest
    first. What was tracked is there once the job write-metrics has stored it: a second or so after `flush`.
    Raises ConfigError, Unavailable, StoreError.
    """
    asked = {
        "deployment": deployment,
        "model": model,
        "version": version,
        "start": None if start is None else instant(start, "start"),
        "end": None if end is None else instant(end, "end"),
        "ids": None if prediction_ids is None else list(prediction_ids),
        "uuids": None if prediction_ids is None else [name for name in prediction_ids if _is_uuid(name)],
        "limit": limit + 1,
    }
    wanted = None if names is None else frozenset(names)
    try:
        with _connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            found = _predictions(cursor, asked)
            _attach(cursor, found, wanted)
            aggregates = [] if prediction_ids is not None else _aggregates(cursor, asked, wanted)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL went away while metrics were read: {first_line(error)}; read again") from None
    except psycopg.Error as error:
        raise StoreError(
            f"PostgreSQL refused to read metrics ({error.sqlstate}): {first_line(error)}; see `scoring store migrate`"
        ) from None
    rows = [Prediction(**row) for row in found[:limit]]
    return MetricsRead(rows, aggregates, truncated=len(found) > limit)


def _predictions(cursor: psycopg.Cursor[dict[str, Any]], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of both sources in the order of time, the operational store's word before the tracker's; at most the limit."""
    found: dict[str, dict[str, Any]] = {}
    for query in (_SERVED, _TRACKED):
        for row in cursor.execute(query.encode(), asked):
            found.setdefault(row["prediction_id"], row | {"metrics": {}})
    ordered = sorted(found.values(), key=lambda row: (row["predicted_at"], row["prediction_id"]))
    return ordered[: asked["limit"]]


def _attach(cursor: psycopg.Cursor[dict[str, Any]], found: list[dict[str, Any]], wanted: frozenset[str] | None) -> None:
    rows = iter(found)
    while part := {row["prediction_id"]: row["metrics"] for row in islice(rows, _CHUNK)}:
        for row in cursor.execute(_ATTACHED.encode(), (list(part),)):
            part[row["prediction_id"]].update(_named(row["metrics"], wanted))


def _aggregates(cursor: psycopg.Cursor[dict[str, Any]], asked: dict[str, Any], wanted: frozenset[str] | None) -> list[Aggregate]:
    """One for each span of one subject; what was said of it later stands over what was said before, name by name."""
    spans: dict[tuple[str, str, str, datetime, datetime], dict[str, Any]] = {}
    for row in cursor.execute(_AGGREGATES.encode(), asked):
        key = (row["deployment"], row["model"], row["version"], row["start"], row["end"])
        metrics = spans.get(key, {"metrics": {}})["metrics"] | dict(_named(row["metrics"], wanted))
        spans[key] = row | {"metrics": metrics}
    found = [Aggregate(**row) for row in spans.values() if row["metrics"]]
    return sorted(found, key=lambda one: (one.start, one.end, one.deployment, one.model, one.version))


def _named(metrics: dict[str, Any], wanted: frozenset[str] | None) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in metrics.items() if wanted is None or name in wanted)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _connect() -> psycopg.Connection:
    """A connection to the configuration's store. Its string is never repeated in an error."""
    dsn = configuration(without=METRICS_WITHOUT).store.dsn.get_secret_value()
    if not dsn:
        raise ConfigError("store.dsn is required and missing: the metric store is in PostgreSQL; write it as env:NAME or file:PATH")
    try:
        words: dict[str, Any] = {"connect_timeout": 5, "application_name": "streaming-scoring"} | conninfo_to_dict(dsn)
        return psycopg.connect(**words)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL cannot be reached: {first_line(error)}") from None
    except psycopg.ProgrammingError:
        raise StoreError("store.dsn is not a connection string; expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
