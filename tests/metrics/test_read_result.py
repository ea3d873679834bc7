"""What `read_metrics` returns, as frames."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from streaming.metrics.read_result import Aggregate, MetricsRead, Prediction

AT = datetime(2026, 1, 1, tzinfo=UTC)


def prediction(name: str, **metrics: object) -> Prediction:
    return Prediction(name, "d", "m", "1", AT, 0.5, None, None, None, metrics)


def test_metrics_are_typed_columns() -> None:
    read = MetricsRead([prediction("a", truth=1, parts=[1]), prediction("b", truth=0.5, ok=True, big=2**70)], [], truncated=False)
    table = read.to_arrow().predictions
    types = {name: table.schema.field(f"metrics.{name}").type for name in ("truth", "parts", "ok", "big")}
    assert types == {"truth": pa.float64(), "parts": pa.string(), "ok": pa.bool_(), "big": pa.float64()}
    assert table["metrics.parts"].to_pylist() == ["[1]", None]
    assert table["predicted_at"].to_pylist() == [AT, AT]


def test_nothing_found_has_its_columns_all_the_same() -> None:
    frames = MetricsRead([], [], truncated=False).to_pandas()
    assert (len(frames.predictions), len(frames.aggregates)) == (0, 0)
    assert list(frames.aggregates.columns) == ["deployment", "model", "version", "start", "end", "at"]


def test_aggregates_have_their_own_table() -> None:
    read = MetricsRead([], [Aggregate("d", "", "", AT, AT, AT, {"accuracy": 0.9})], truncated=False)
    assert read.to_pandas().aggregates["metrics.accuracy"].tolist() == [0.9]
