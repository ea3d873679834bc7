"""What `read_metrics` returns: predictions and aggregates as plain values, and as frames."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from streaming.records import INSTANT

if TYPE_CHECKING:
    import pandas as pd

METRIC_PREFIX = "metrics."
_LARGEST = 2**63


@dataclass(frozen=True)
class Prediction:
    """A prediction and all that was attached to it. What only the operational store knows is None for one that went another way.

    predicted_at: the event's time, or when the prediction was tracked. metrics: by name; of two values the later call's.
    """

    prediction_id: str
    deployment: str
    model: str
    version: str
    predicted_at: datetime
    score: float | None
    predicted_class: str | None
    entity_id: str | None
    event_id: str | None
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Aggregate:
    """What was said of predictions with start <= time < end. at: when it was said last."""

    deployment: str
    model: str
    version: str
    start: datetime
    end: datetime
    at: datetime
    metrics: dict[str, Any]


class ArrowFrames(NamedTuple):
    """Both as Arrow tables."""

    predictions: pa.Table
    aggregates: pa.Table


class PandasFrames(NamedTuple):
    """Both as pandas frames."""

    predictions: pd.DataFrame
    aggregates: pd.DataFrame


@dataclass(frozen=True)
class MetricsRead:
    """What was read. truncated: there are more predictions than the limit; read a shorter time."""

    predictions: list[Prediction]
    aggregates: list[Aggregate]
    truncated: bool

    def to_arrow(self) -> ArrowFrames:
        """Tables with a column for each field and `metrics.<name>` for each metric.

        A metric that is always a number, a truth value or a text has that type (whole numbers beside others are float64); any other is
        JSON text. Null where a row does not have it.
        """
        return ArrowFrames(
            _table([asdict(one) for one in self.predictions], _PREDICTION), _table([asdict(one) for one in self.aggregates], _AGGREGATE)
        )

    def to_pandas(self) -> PandasFrames:
        """The same as pandas frames."""
        frames = self.to_arrow()
        return PandasFrames(frames.predictions.to_pandas(), frames.aggregates.to_pandas())


_PREDICTION = pa.schema(
    [
        *((name, pa.string()) for name in ("prediction_id", "deployment", "model", "version")),
        ("predicted_at", INSTANT),
        ("score", pa.float64()),
        *((name, pa.string()) for name in ("predicted_class", "entity_id", "event_id")),
    ]
)
_AGGREGATE = pa.schema(
    [*((name, pa.string()) for name in ("deployment", "model", "version")), *((name, INSTANT) for name in ("start", "end", "at"))]
)


def _table(rows: list[dict[str, Any]], fields: pa.Schema) -> pa.Table:
    columns = {field.name: pa.array([row[field.name] for row in rows], field.type) for field in fields}
    names = sorted({name for row in rows for name in row["metrics"]})
    return pa.table(columns | {METRIC_PREFIX + name: column([row["metrics"].get(name) for row in rows]) for name in names})


def column(values: list[Any]) -> pa.Array:
    """JSON values as an Arrow array of the narrowest type that holds them all.

    >>> column([1, None, 2.5]).type, column([True]).type, column([[1], "a"]).to_pylist()
    (DataType(double), DataType(bool), ['[1]', '"a"'])
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {str} or not kinds:
        return pa.array(values, pa.string())
    if kinds <= {int, float}:
        whole = kinds == {int} and all(value is None or -_LARGEST <= value < _LARGEST for value in values)
        return pa.array(
            values if whole else [None if value is None else float(value) for value in values], pa.int64() if whole else pa.float64()
        )
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())
