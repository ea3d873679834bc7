"""The tally of a micro-batch: what each task counted, merged by the driver into one metrics record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streaming.metrics import kll
from streaming.metrics.records import SliceCounts
from streaming.metrics.sketches import Histogram, LatencySketch, merge, merge_latencies

OTHER = "other"


class Tally(msgspec.Struct):
    """Counts of a part of a micro-batch. The small row that a task returns; merging is addition, in any order."""

    events: int = 0
    scored: int = 0
    repeated: int = 0
    rejected_by_reason: dict[str, int] = {}
    rejected_by_producer: dict[str, int] = {}
    rejected_by_schema_version: dict[str, int] = {}
    replayed: dict[str, int] = {}
    """events of the replay topic by outcome: scored, repeated, rejected"""
    features: dict[str, Histogram] = {}
    quantiles: dict[str, bytes] = {}
    """KLL sketches of the numeric features"""
    score: Histogram | None = None
    score_quantiles: bytes = b""
    slices: dict[str, SliceCounts] = {}
    score_sum: float = 0.0
    score_sum_squares: float = 0.0
    latency_ms: LatencySketch = {}
    parts_ms: dict[str, float] = {}
    waited_s: float = 0.0
    undecided: list[str] = []
    """schema ids that the registry does not know and the plan does not name: what holds them was not delivered"""

    @property
    def rejected(self) -> int:
        """All rejections."""
        return sum(self.rejected_by_reason.values())


def merge_tallies(tallies: Iterable[Tally]) -> Tally:
    """Sum of tallies; an empty one for none."""
    parts = list(tallies)
    scores = [part.score for part in parts if part.score is not None]
    return Tally(
        events=sum(part.events for part in parts),
        scored=sum(part.scored for part in parts),
        repeated=sum(part.repeated for part in parts),
        rejected_by_reason=add_counts(part.rejected_by_reason for part in parts),
        rejected_by_producer=add_counts(part.rejected_by_producer for part in parts),
        rejected_by_schema_version=add_counts(part.rejected_by_schema_version for part in parts),
        replayed=add_counts(part.replayed for part in parts),
        features=_merge_features([part.features for part in parts if part.features]),
        quantiles=merge_quantiles(part.quantiles for part in parts),
        score=merge(scores) if scores else None,
        score_quantiles=kll.merge(part.score_quantiles for part in parts),
        slices=merge_slices(part.slices for part in parts),
        score_sum=sum(part.score_sum for part in parts),
        score_sum_squares=sum(part.score_sum_squares for part in parts),
        latency_ms=merge_latencies(part.latency_ms for part in parts),
        parts_ms=add_counts(part.parts_ms for part in parts),
        waited_s=sum(part.waited_s for part in parts),
        undecided=sorted({name for part in parts for name in part.undecided}),
    )


def bounded(table: Mapping[str, int], most: int) -> dict[str, int]:
    """The `most` largest counts, the rest summed under the name "other": what becomes of names that producers choose.

    >>> bounded({"crm": 5, "web": 1, "app": 3, "pos": 1}, 2)
    {'crm': 5, 'app': 3, 'other': 2}
    """
    ordered = sorted(table.items(), key=lambda entry: (entry[0] == OTHER, -entry[1], entry[0]))
    kept = dict(ordered[:most])
    rest = sum(count for _, count in ordered[most:])
    return kept | ({OTHER: rest + kept.get(OTHER, 0)} if rest else {})


def add_counts(tables: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The sum of counts by name.

    >>> add_counts([{"json": 1}, {"json": 2, "type": 1}])
    {'json': 3, 'type': 1}
    """
    total: dict[str, Any] = {}
    for table in tables:
        for name, value in table.items():
            total[name] = total.get(name, 0) + value
    return total


def merge_quantiles(tables: Iterable[Mapping[str, bytes]]) -> dict[str, bytes]:
    """KLL sketches merged by name; their order does not matter."""
    parts = list(tables)
    return {name: kll.merge(part.get(name, b"") for part in parts) for name in _names(parts)}


def merge_slices(tables: Iterable[Mapping[str, SliceCounts]]) -> dict[str, SliceCounts]:
    """Counts of slices added by name."""
    parts = list(tables)
    found = {name: [part[name] for part in parts if name in part] for name in _names(parts)}
    return {
        name: SliceCounts(
            sum(each.scored for each in counts), _merge_features([each.features for each in counts]), merge(each.score for each in counts)
        )
        for name, counts in found.items()
    }


def _names(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """In the order of their first coming."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _merge_features(tables: list[dict[str, Histogram]]) -> dict[str, Histogram]:
    names = tables[0] if tables else {}
    return {name: merge(table[name] for table in tables) for name in names}
