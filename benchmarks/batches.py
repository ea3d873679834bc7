"""Batches as the contenders tell of them, and the figures made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from streaming.local.outcomes import Speed
from streaming.settings import Settings
from streaming.sinks.connection import connect

SKIPPED = 2  # the first batches: connections, caches and the JVM's compiler are cold
_LATENCY = """
    SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
        ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at) * 1000)
    FROM prediction WHERE received_at >= %s AND received_at < %s
"""


@dataclass(frozen=True)
class Batch:
    """One batch. at: when it ended; parts_ms: time in each part, summed over tasks."""

    events: int
    at: datetime
    duration_ms: float
    parts_ms: dict[str, float]


def full_batches(batches: Sequence[Batch], full: int) -> list[Batch]:
    """The batches that a backlog filled: Kafka's share for each partition is rounded, so that some events may lack."""
    return [batch for batch in batches if batch.events >= 0.95 * full]


def steady_rate(batches: Sequence[Batch]) -> float | None:
    """Events a second of the batches after the first two, from end to end; None if fewer than two are left to go by.

    >>> from datetime import UTC, timedelta
    >>> t = datetime(2026, 1, 1, tzinfo=UTC)
    >>> steady_rate([Batch(100, t + timedelta(seconds=s), 1, {}) for s in (0, 9, 10, 11)])
    100.0
    """
    if len(batches) < SKIPPED + 2:
        return None
    events = sum(batch.events for batch in batches[SKIPPED:])
    return events / (batches[-1].at - batches[SKIPPED - 1].at).total_seconds()


def medians(batches: Sequence[Batch]) -> dict[str, Any]:
    """Medians over batches: events, duration, time between one's end and the next one's beginning, and each part."""
    if not batches:
        return {}
    between = [(b.at - a.at).total_seconds() * 1000 - b.duration_ms for a, b in pairwise(batches)]
    parts = list(dict.fromkeys(name for batch in batches for name in batch.parts_ms))
    return {
        "batches": len(batches),
        "events": median(batch.events for batch in batches),
        "duration_ms": _ms(median(batch.duration_ms for batch in batches)),
        "between_ms": _ms(median(between)) if between else None,
        "parts_ms": {name: _ms(median(batch.parts_ms.get(name, 0.0) for batch in batches)) for name in parts},
    }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of measured values, empty where there are none.

    >>> quantiles([1.0, 2.0, 3.0])["p50"]
    2.0
    """
    found = np.quantile(values, (0.5, 0.95, 0.99)) if len(values) else ()
    return {name: _ms(float(value)) for name, value in zip(("p50", "p95", "p99"), found, strict=False)}


def latency(settings: Settings, first: datetime, until: datetime) -> tuple[int, Speed]:
    """Number and latency of the rows received in [first, until): producer's timestamp to PostgreSQL's commit."""
    with connect(settings.store.dsn.get_secret_value()) as connection:
        count, quantiles = connection.execute(_LATENCY, (first, until)).fetchone() or (0, None)
    names = ("p50", "p95", "p99")
    found = {name: round(float(ms), 1) for name, ms in zip(names, quantiles or (), strict=False)}
    return int(count), Speed(found, (until - first).total_seconds())


def _ms(value: float) -> float:
    return round(value, 2)
