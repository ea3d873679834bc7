"""Records of the metrics topic as the scoring job writes them: of one feature `plan` of two bins, and a score that never moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from streaming.drift.series import Key
from streaming.metrics.records import Group, Metrics, Reference
from streaming.metrics.sketches import Bins, Histogram
from streaming.records import rfc3339

KEY = Key("churn_risk", "churn", "3")
BINS = Bins("categorical", values=["a", "b"])
SAME, OTHER = (50, 50), (95, 5)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def now(number: int, every_s: float = 1) -> str:
    """Plan time of a batch: `every_s` after the one before."""
    return rfc3339(BEGIN + timedelta(seconds=number * every_s))


def reference(**changes: Any) -> Reference:
    """The reference of a training on as many of either bin, with some fields changed."""
    counts = Histogram([5000, 5000])
    record = Reference("r", now(0), *KEY, "s", {"plan": BINS}, {"plan": counts}, BINS, counts, now(0))
    return msgspec.structs.replace(record, **changes)


def group(counts: Sequence[int] = SAME, **changes: Any) -> Group:
    """What one variant did: an event for each count."""
    total = sum(counts)
    score = Histogram([total // 2, total - total // 2])
    known = Group("champion", "champion", KEY.model, KEY.model_version, "s", 1, total, {"plan": Histogram(list(counts))}, score, 0.0, 0.0)
    return msgspec.structs.replace(known, **changes)


def metrics(number: int, groups: list[Group], *, query: str = "q", chunk: int = 0, every_s: float = 1, **changes: Any) -> Metrics:
    """The record of a batch of these groups, with some fields changed."""
    scored = sum(part.scored for part in groups)
    record = Metrics(
        id=f"{query}/{number}/{chunk}",
        at=now(number, every_s),
        now=now(number, every_s),
        deployment=KEY.deployment,
        stream="customer_activity",
        query_id=query,
        batch_id=number,
        chunk=chunk,
        chunks=chunk + 1,
        plan_id=f"{query}/{number}",
        offsets={},
        events=scored,
        scored=scored,
        repeated=0,
        rejected=0,
        rejected_by_reason={},
        groups=groups,
        latency_ms={},
        parts_ms={},
        duration_ms=1.0,
        events_per_s=1.0,
    )
    return msgspec.structs.replace(record, **changes)


def batch(number: int, counts: Sequence[int] = SAME, **changes: Any) -> Metrics:
    """The record of a batch of one group; changes as in `metrics`."""
    return metrics(number, [group(counts)], **changes)
