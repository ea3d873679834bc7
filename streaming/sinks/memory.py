"""Sinks in memory, for tests and trials: the rules of the real ones, without a server.

Delivery: exactly once as long as the process lives; nothing is kept beyond it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from streaming.records import PREDICTION
from streaming.sinks import CONFLICT, REPEAT, STANDS, Address, Delivery
from streaming.steps.replayed import attempts

_ADDRESS = ("source_topic", "source_partition", "source_offset")
_ORDER = ("event_time", "received_at", "source_partition", "source_offset")
Row = dict[str, Any]


class MemorySink:
    """An operational store of predictions in memory: the history, and the newest row of each entity."""

    delivery = Delivery.IDEMPOTENT

    def __init__(self) -> None:
        self._history: dict[tuple[Any, str], Row] = {}
        self._current: dict[tuple[str, str], Row] = {}

    def write(self, predictions: pa.RecordBatch) -> np.ndarray:
        """See Sink.write. Raises nothing."""
        verdicts = [self._take(row) for row in predictions.select(PREDICTION.names).to_pylist()]
        return np.array(verdicts, dtype=np.uint8)

    def held(self, asked: Collection[Address]) -> dict[Address, dict[str, tuple[str, str]]]:
        """See Store.held. Raises nothing."""
        found: dict[Address, dict[str, tuple[str, str]]] = {}
        for row in self._history.values():
            address = (row["deployment"], *(row[name] for name in _ADDRESS))
            if row["role"] != "shadow" and address in asked:
                found.setdefault(address, {})[row["prediction_id"]] = row["payload_digest"], row["plan_id"]
        return found

    def close(self) -> None:
        """Nothing is held but the rows, which stay."""

    @property
    def history(self) -> list[Row]:
        """The rows that stand, of the type PREDICTION, in the order in which they came."""
        return list(self._history.values())

    @property
    def current(self) -> dict[tuple[str, str], Row]:
        """The newest row by (deployment, entity id); shadows are not among them."""
        return dict(self._current)

    def _take(self, row: Row) -> int:
        standing = self._history.setdefault((row["event_time"], row["prediction_id"]), row)
        if standing is not row:
            return _verdict(row, standing)
        place = (row["deployment"], row["entity_id"])
        if row["role"] != "shadow" and (place not in self._current or _order(row) > _order(self._current[place])):
            self._current[place] = row
        return STANDS


class MemoryRejects:
    """Rejected rows in memory. `rows`: of the type REJECTED, with the `model` they were written with and their `attempt`."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(self, rejected: pa.RecordBatch, *, model: str) -> None:
        """See Rejects.write. Raises nothing."""
        numbered = zip(rejected.to_pylist(), attempts(rejected).tolist(), strict=True)
        self.rows += [row | {"model": model, "attempt": attempt} for row, attempt in numbered]


def _verdict(row: Row, standing: Row) -> int:
    if all(row[name] == standing[name] for name in _ADDRESS):
        return STANDS
    return REPEAT if row["payload_digest"] == standing["payload_digest"] else CONFLICT


def _order(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _ORDER)
