"""Sinks: where outcomes are delivered. One sink per file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

STANDS, REPEAT, CONFLICT = 0, 1, 2
"""What a store says of a row: it stands; the same event with the same bytes stood before; … with other bytes."""


Address = tuple[str, str, int, int]
"""deployment, topic, partition, offset"""
Held = Mapping[Address, Mapping[str, tuple[str, str]]]
"""address → prediction id → digest (hex) and plan id of the row that is stored"""


class Delivery(StrEnum):
    """What a sink promises when the same rows are written again, after a crash or a lost reply."""

    IDEMPOTENT = "at least once with idempotent effect: written again, rows change nothing and get the same verdicts"
    AT_LEAST_ONCE = "at least once: written again, rows may be there again; a reader drops prediction ids that it knows"


class Busy(NamedTuple):
    """Back-pressure: a sink that is there and cannot take the rows now. Nothing of them counts as written; write them again."""

    reason: str
    retry_after_s: float


class Sink(Protocol):
    """Where predictions go. Rows are durable before `write` returns verdicts; what waiting does not mend is raised."""

    delivery: Delivery

    def write(self, predictions: pa.RecordBatch) -> np.ndarray | Busy:
        """Store rows of the type PREDICTION.

        Returns verdicts, shape (rows,), uint8 of STANDS, REPEAT, CONFLICT; or Busy. A row that is stored already with the same
        address is its own replay and stands; a sink that keeps no keys lets every row stand.
        Raises Unavailable if the sink cannot be reached (wait, then write again), StoreError or TopicError (do not).
        """

    def close(self) -> None:
        """Let go of connections and clients; a later `write` opens them again."""


class Store(Sink, Protocol):
    """An operational store: it keeps keys, so its verdicts say which rows stand. IDEMPOTENT by its nature."""

    def held(self, asked: Collection[Address]) -> Held | Busy:
        """What is stored at these deployments and addresses, under whatever id; shadows are left out.

        Asked of replayed events before they are written, for a mapping may have changed their id, and of rejected ones: which have a
        prediction by now? Raises as `write`.
        """


class Rejects(Protocol):
    """Where rejected events go.

    Delivery: at least once. Writing the same rows again may store them again; a reader counts distinct addresses.
    """

    def write(self, rejected: pa.RecordBatch, *, model: str) -> None:
        """Store rows of the type REJECTED, durably, with their attempt, before it returns; `model` is name/version.

        Raises Unavailable (wait, then write again), TopicError (do not).
        """


def addresses(predictions: pa.RecordBatch) -> list[Address]:
    """Deployment and address of each row of the type PREDICTION."""
    names = ("deployment", "source_topic", "source_partition", "source_offset")
    return list(zip(*(predictions.column(name).to_pylist() for name in names), strict=True))


def first_of_batch(predictions: pa.RecordBatch) -> np.ndarray:
    """Verdicts of the rows of one batch against each other, before any store is asked: the first row of a key stands."""
    verdicts = np.zeros(predictions.num_rows, dtype=np.uint8)
    ids = predictions.column("prediction_id")
    if len(ids.unique()) == len(ids):
        return verdicts
    first: dict[str, str] = {}
    for row, (key, digest) in enumerate(zip(ids.to_pylist(), predictions.column("payload_digest").to_pylist(), strict=True)):
        if key in first:
            verdicts[row] = REPEAT if first[key] == digest else CONFLICT
        else:
            first[key] = digest
    return verdicts
