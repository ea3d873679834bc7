"""The story adds up to its records, whatever comes twice, and stays bounded."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from streaming.metrics.records import Alert, Drift, Metrics, Record, Reference
from streaming.report.story import MOST_ALERTS, MOST_POINTS, Story, tell


def tell_all(records: Sequence[Record]) -> Story:
    """A story of some records."""
    story = Story()
    for record in records:
        tell(story, record)
    return story


def test_counts_add_up(story: Story, records: list[Record]) -> None:
    batches = [record for record in records if isinstance(record, Metrics)]
    assert story.batches == len(batches)
    assert story.events == sum(batch.events for batch in batches)
    assert story.scored == sum(batch.scored for batch in batches)
    assert story.rejected == sum(story.rejected_by_reason.values()) == sum(batch.rejected for batch in batches)
    assert sum(story.latency_ms.values()) == story.scored
    version = story.serving()
    assert version is not None and version.score is not None
    assert version.score.total == version.scored == story.scored
    assert {histogram.total for histogram in version.features.values()} == {story.scored}
    assert sum(bucket.scores[version.key].total for _, bucket in story.timeline.rows()) == story.scored


def test_records_that_come_twice_change_nothing(story: Story, records: list[Record]) -> None:
    twice = tell_all([record for record in records for _ in range(2)])
    again = tell_all([*records, *records[-40:]])
    assert twice == story
    assert again == story


def test_metrics_and_drift_may_share_an_id(records: list[Record]) -> None:
    batch = next(record for record in records if isinstance(record, Metrics))
    verdict = next(record for record in records if isinstance(record, Drift))
    story = tell_all([batch, msgspec.structs.replace(verdict, id=batch.id)])
    assert story.batches == 1
    assert story.versions["churn_risk/churn/3"].drift is not None


def test_the_newest_window_speaks(story: Story, records: list[Record]) -> None:
    newest = [record for record in records if isinstance(record, Drift)][-1]
    version = story.serving()
    assert version is not None
    assert version.drift == newest
    assert version.current("tenure") == newest.features["tenure"].current
    assert version.drifted()[0] == max(newest.features, key=lambda name: newest.features[name].value)
    assert set(version.drifted()) == {name for name, verdict in newest.features.items() if verdict.drifted}


def test_a_late_verdict_does_not_replace_a_newer_one(records: list[Record]) -> None:
    verdicts = [record for record in records if isinstance(record, Drift)]
    assert tell_all([verdicts[-1], verdicts[0]]).versions["churn_risk/churn/3"].drift == verdicts[-1]


def test_before_the_first_window_everything_scored_is_current(records: list[Record]) -> None:
    story = tell_all([record for record in records if isinstance(record, Reference | Metrics)][:3])
    version = story.serving()
    assert version is not None and version.drift is None
    assert version.current("tenure") == version.features["tenure"]
    assert version.current("score") == version.score
    assert version.drifted() == []


def test_the_version_that_scored_last_serves(records: list[Record]) -> None:
    story = tell_all(records)
    batch = next(record for record in reversed(records) if isinstance(record, Metrics))
    group = msgspec.structs.replace(batch.groups[0], model_version="4", model_sha256="ab")
    tell(story, msgspec.structs.replace(batch, id="later", at="2026-05-04T11:00:00.000000Z", groups=[group]))
    serving = story.serving()
    assert serving is not None and (serving.model_version, serving.model_sha256) == ("4", "ab")
    tell(story, msgspec.structs.replace(next(r for r in records if isinstance(r, Drift)), id="late", window_end="2026-05-04T12:00:00Z"))
    assert story.serving() is serving


def test_a_batch_without_a_scored_event_is_told(records: list[Record]) -> None:
    batch = next(record for record in records if isinstance(record, Metrics))
    empty = msgspec.structs.replace(batch, scored=0, events=batch.rejected, groups=[], latency_ms={})
    story = tell_all([empty])
    assert (story.scored, story.rejected, story.serving()) == (0, batch.rejected, None)


def test_offsets_cover_every_batch(story: Story, records: list[Record]) -> None:
    batches = [record for record in records if isinstance(record, Metrics)]
    assert story.offsets == {"customer_activity": {"0": [0, batches[-1].offsets["customer_activity"]["0"][1]]}}


def test_memory_is_bounded_and_an_excursion_is_kept(records: list[Record]) -> None:
    verdict = next(record for record in records if isinstance(record, Drift))
    alarm = next(record for record in records if isinstance(record, Alert))
    story = Story()
    for number in range(2000):
        tenure = msgspec.structs.replace(verdict.features["tenure"], value=9.0 if number == 700 else 0.01)
        end = f"2026-05-04T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        tell(story, msgspec.structs.replace(verdict, id=str(number), window_end=end, features={"tenure": tenure}))
        tell(story, msgspec.structs.replace(alarm, id=str(number)))
    series = story.versions["churn_risk/churn/3"].series["tenure"]
    assert len(series) <= MOST_POINTS
    assert max(point.value for point in series) == 9.0
    assert len(story.alerts) == MOST_ALERTS


def test_a_replayed_event_counts_once_with_its_last_outcome(records: list[Record]) -> None:
    batch = next(record for record in records if isinstance(record, Metrics))
    first = msgspec.structs.replace(batch, id="q/0/0", events=10, scored=4, repeated=0, rejected=6)
    again = {"scored": 3, "repeated": 1, "rejected": 2}
    second = msgspec.structs.replace(batch, id="q/1/0", events=6, scored=3, repeated=1, rejected=2, replayed=again)
    story = tell_all([first, second])
    assert (story.events, story.scored, story.repeated, story.rejected) == (10, 7, 0, 3)


def test_reasons_are_of_the_events_that_were_rejected_each_once(records: list[Record]) -> None:
    batch = next(record for record in records if isinstance(record, Metrics))
    first = msgspec.structs.replace(
        batch, id="q/0/0", events=10, scored=4, repeated=0, rejected=6, rejected_by_reason={"enum": 5, "type": 1}
    )
    again = {"scored": 3, "rejected": 2}
    changes = {"events": 8, "scored": 4, "repeated": 0, "rejected": 4, "rejected_by_reason": {"enum": 3, "json": 1}}
    second = msgspec.structs.replace(batch, id="q/1/0", replayed=again, **changes)
    story = tell_all([first, second])
    assert (story.rejected, story.first_rejected, story.mended) == (5, 8, 3)
    assert story.rejected_by_reason == {"enum": 6, "type": 1, "json": 1}
    assert sum(story.rejected_by_reason.values()) == story.first_rejected


def test_what_was_rejected_before_the_oldest_record_and_mended_since_takes_nothing_away(records: list[Record]) -> None:
    batch = next(record for record in records if isinstance(record, Metrics))
    mended = msgspec.structs.replace(
        batch, id="q/9/0", events=5, scored=5, repeated=0, rejected=0, rejected_by_reason={}, replayed={"scored": 5}
    )
    story = tell_all([mended])
    assert (story.scored, story.rejected, story.mended) == (5, 0, 5)
