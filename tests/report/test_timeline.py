"""The timeline stays bounded and loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.metrics.sketches import Histogram
from streaming.report.timeline import MOST_BUCKETS, Bucket, Timeline

MOMENTS = st.lists(st.floats(min_value=0, max_value=4e9), min_size=1, max_size=60)


@given(MOMENTS)
def test_any_span_fits_and_every_event_is_kept(moments: list[float]) -> None:
    timeline = Timeline()
    for moment in moments:
        timeline.add(moment, Bucket(events=3, latency_ms={"7": 2}))
    start, end = timeline.span()
    assert len(timeline.buckets) <= MOST_BUCKETS
    assert start <= min(moments) and max(moments) < end
    assert sum(bucket.events for _, bucket in timeline.rows()) == 3 * len(moments)
    assert sum(bucket.latency_ms["7"] for _, bucket in timeline.rows()) == 2 * len(moments)


@given(MOMENTS)
def test_order_of_arrival_does_not_matter(moments: list[float]) -> None:
    forwards, backwards = Timeline(), Timeline()
    for one, other in zip(moments, reversed(moments), strict=True):
        forwards.add(one, Bucket(events=1))
        backwards.add(other, Bucket(events=1))
    assert forwards.rows() == backwards.rows()


def test_scores_merge_by_version() -> None:
    timeline = Timeline()
    timeline.add(10.1, Bucket(scores={"a": Histogram([1, 0])}))
    timeline.add(10.9, Bucket(scores={"a": Histogram([0, 2]), "b": Histogram([5])}))
    assert timeline.rows() == [(10.0, Bucket(scores={"a": Histogram([1, 2]), "b": Histogram([5])}))]


def test_coarser_keeps_the_original() -> None:
    timeline = Timeline()
    for second in range(100):
        timeline.add(second, Bucket(events=1))
    coarse = timeline.coarser(30)
    assert len(coarse.buckets) <= 30
    assert sum(bucket.events for _, bucket in coarse.rows()) == 100
    assert len(timeline.buckets) == 100
    assert all(bucket.events == 1 for _, bucket in timeline.rows())
