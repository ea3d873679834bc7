"""Tallies of tasks add up, in any order."""

from __future__ import annotations

import itertools

from streaming.metrics.sketches import Histogram
from streaming.metrics.tally import Tally, merge_tallies

PARTS = [
    Tally(
        events=5,
        scored=3,
        repeated=1,
        rejected_by_reason={"minimum": 1},
        features={"tenure": Histogram([2, 1])},
        score=Histogram([3]),
        score_sum=1.5,
        latency_ms={"10": 3},
        parts_ms={"score": 2.0},
    ),
    Tally(events=2, rejected_by_reason={"minimum": 1, "json": 1}, waited_s=1.0),
    Tally(events=1, scored=1, features={"tenure": Histogram([0, 1])}, score=Histogram([1]), score_sum=0.5, latency_ms={"10": 1}),
]


def test_any_order_gives_the_same_sum() -> None:
    sums = [merge_tallies(order) for order in itertools.permutations(PARTS)]
    assert all(total == sums[0] for total in sums)
    total = sums[0]
    assert (total.events, total.scored, total.repeated, total.rejected) == (8, 4, 1, 3)
    assert total.rejected_by_reason == {"minimum": 2, "json": 1}
    assert total.features == {"tenure": Histogram([2, 2])}
    assert total.latency_ms == {"10": 4}


def test_a_batch_that_scored_nothing_has_no_score_histogram() -> None:
    assert merge_tallies([PARTS[1]]).score is None
    assert merge_tallies([]) == Tally()


def test_merging_leaves_the_parts_as_they_were() -> None:
    merge_tallies(PARTS)
    assert PARTS[1].rejected_by_reason == {"minimum": 1, "json": 1}


def test_what_was_rejected_and_replayed_adds_up() -> None:
    parts = [Tally(rejected_by_producer={"crm": n}, rejected_by_schema_version={"1": n}, replayed={"scored": n}) for n in (1, 2)]
    total = merge_tallies([*parts, Tally(replayed={"rejected": 4})])
    assert (total.rejected_by_producer, total.rejected_by_schema_version) == ({"crm": 3}, {"1": 3})
    assert total.replayed == {"scored": 3, "rejected": 4}
