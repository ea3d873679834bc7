"""What was said to the SDK, as records: plain functions, no clock and no connection of their own."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from streaming.errors import ConfigError, InvalidEvent
from streaming.metrics.records import Tracked
from streaming.records import rfc3339

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Instant = datetime | str | int | float
"""An aware time, its RFC 3339 text, or milliseconds since 1970"""
_NAMESPACE = uuid.UUID("2b7d3a52-6f0e-5c7b-9a54-6c1d0f5e8a11")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """What metrics are about: a prediction, or a deployment's span of time (start and end, RFC 3339)."""

    deployment: str = ""
    model: str = ""
    version: str = ""
    prediction_id: str = ""
    start: str | None = None
    end: str | None = None

    def of(self, deployment: str) -> Subject:
        """The same, of that deployment where none is named."""
        return self if self.deployment else replace(self, deployment=deployment)


def instant(when: Instant, name: str) -> str:
    """A time as RFC 3339 text, UTC, microseconds. name: of the argument, for the error. Raises ConfigError.

    >>> instant(1767225600000, "start"), instant("2026-01-01T01:00:00+01:00", "start")
    ('2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z')
    """
    try:
        if isinstance(when, int | float):
            return rfc3339(_EPOCH + timedelta(milliseconds=when))
        moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{name}: {when!r} is no time ({error}); expected a datetime, RFC 3339, or milliseconds since 1970") from None
    if moment.tzinfo is None:
        raise ConfigError(f"{name}: {when!r} has no time zone; add one, such as datetime.now(UTC) or a text that ends in Z")
    return rfc3339(moment)


def tracked_record(
    call: Literal["prediction", "delayed", "aggregate"], metrics: Mapping[str, Any], subject: Subject, key: str | None, at: float
) -> Tracked:
    """The record of a call. key: gives the id, so that the same key is the same record; None a new one. at: seconds since 1970.

    Raises InvalidEvent if the metrics are no names and JSON values.
    """
    about = [call, subject.deployment, subject.prediction_id, subject.start, subject.end, key]
    return Tracked(
        id=str(uuid.uuid4()) if key is None else str(uuid.uuid5(_NAMESPACE, msgspec.json.encode(about).decode())),
        at=rfc3339(datetime.fromtimestamp(at, UTC)),
        call=call,
        deployment=subject.deployment,
        metrics=plain(metrics),
        model=subject.model,
        model_version=subject.version,
        prediction_id=subject.prediction_id,
        start=subject.start,
        end=subject.end,
    )


def plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics as JSON has them. Raises InvalidEvent naming what is not."""
    try:
        return msgspec.json.decode(_ENCODER.encode(dict(metrics)), type=dict[str, Any])
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidEvent(f"the metrics cannot be written as JSON: {error}; expected names with numbers, texts, lists or tables") from None


def pairs(rows: pd.DataFrame | pa.Table | Iterable[tuple[str, Mapping[str, Any]]], id_column: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(prediction id, metrics) of each row of a frame, nulls left out; pairs as they are. Raises ConfigError without the id's column."""
    frame: Any = rows  # pandas and Arrow are told apart by what they offer, so that neither is loaded for the other's sake
    if hasattr(rows, "to_batches"):
        records: Iterable[dict[str, Any]] = (row for batch in frame.to_batches(1024) for row in batch.to_pylist())
        columns = frame.column_names
    elif hasattr(rows, "itertuples"):
        columns = list(frame.columns)
        records = (dict(zip(columns, values, strict=True)) for values in frame.itertuples(index=False, name=None))
    else:
        yield from ((str(name), dict(metrics)) for name, metrics in frame)
        return
    if id_column not in columns:
        raise ConfigError(f"the frame has no column {id_column}, it has {', '.join(map(str, columns))}; name it with id_column")
    for record in records:
        name = record.pop(id_column)
        yield str(name), {metric: value for metric, value in record.items() if not _missing(value)}


def _missing(value: object) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """Values of numpy and pandas, by what they offer; a day as text."""
    for way in ("tolist", "to_pydatetime"):
        if hasattr(value, way):
            return getattr(value, way)()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} {value!r}"[:120])


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
