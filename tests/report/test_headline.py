"""The verdict says what the newest window found, in plain words."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np

from streaming.metrics.records import Drift, Metrics, Record
from streaming.metrics.sketches import latency_sketch
from streaming.report.headline import headline, latency, rate_now
from streaming.report.story import Story, tell
from streaming.report.timeline import epoch


def test_drift_names_the_features_and_the_time(story: Story) -> None:
    told = headline(story)
    assert set(told.drifted) == {"contract", "tenure", "monthly_charges"}
    assert told.verdict == "3 of 19 features drifted since 10:42:06"
    assert told.detail == "Monthly charges, tenure and contract. The score has moved with them."
    assert told.since == "2026-05-04T10:42:06.000000Z"
    assert told.alerts == 3


def test_no_drift_before_the_shift(records: list[Record]) -> None:
    story = Story()
    for record in records[:30]:
        tell(story, record)
    told = headline(story)
    assert (told.verdict, told.drifted, told.since, told.alerts) == ("No drift now", [], None, 0)
    assert "earlier" not in told.detail


def test_a_drift_that_passed_is_not_forgotten(story: Story, records: list[Record]) -> None:
    calm = next(record for record in records if isinstance(record, Drift))
    tell(story, msgspec.structs.replace(calm, id="after", window_end="2026-05-04T11:00:00Z"))
    told = headline(story)
    assert (told.verdict, told.drifted) == ("No drift now", [])
    assert told.detail.endswith("Some were beyond them earlier.")


def test_only_the_score_drifted(records: list[Record]) -> None:
    calm = next(record for record in records if isinstance(record, Drift))
    score = msgspec.structs.replace(calm.score, drifted=True, since="2026-05-04T10:00:00Z")
    story = Story()
    tell(story, msgspec.structs.replace(calm, score=score))
    assert headline(story).verdict == "The score drifted since 10:00:00"


def test_an_empty_story_says_what_to_do() -> None:
    told = headline(Story())
    assert told.verdict == "Nothing has been scored yet"
    assert "scoring run score-events" in told.detail
    assert told.latency_ms.p50 is None


def test_before_the_first_window_it_is_too_early(records: list[Record]) -> None:
    story = Story()
    for record in records[:3]:
        tell(story, record)
    assert headline(story).verdict == "Too early to tell"


def test_figures_are_those_of_the_records(story: Story, records: list[Record]) -> None:
    told, batches = headline(story), [record for record in records if isinstance(record, Metrics)]
    assert told.events == sum(batch.events for batch in batches)
    seconds = epoch(batches[-1].at) - epoch(batches[0].at)
    assert abs(told.events_per_s / (told.events / seconds) - 1) < 0.05


def test_quantiles_are_near_the_exact_ones() -> None:
    values = np.random.default_rng(1).lognormal(6, 0.5, 20_000)
    told = latency(latency_sketch(values))
    for ms, share in ((told.p50, 0.5), (told.p95, 0.95), (told.p99, 0.99)):
        assert ms is not None
        assert abs(ms / float(np.quantile(values, share)) - 1) < 0.03


def test_the_rate_falls_to_zero_when_nothing_comes(story: Story, records: list[Record]) -> None:
    end = epoch(next(record for record in reversed(records) if isinstance(record, Metrics)).at)
    assert rate_now(story, end) > 200
    assert rate_now(story, end + timedelta(minutes=1).total_seconds()) == 0
