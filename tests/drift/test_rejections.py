"""Alerts on rejections: on the rate over the threshold and on a reason that is new, each once."""

from __future__ import annotations

from typing import Any

import msgspec
from drift_records import KEY, metrics

from streaming.drift.detect import Limits, take
from streaming.drift.rejections import LEARNT_WINDOWS
from streaming.drift.series import Key, Series, decode, encode
from streaming.metrics.records import Alert, Metrics

LIMITS = Limits(window_s=1, window_events=200, psi_threshold=0.2, rejected_share=0.05)
OURS = Key(KEY.deployment, "", "")


def batch(number: int, rejected: dict[str, int] | None = None, **changes: Any) -> Metrics:
    """100 events, a second after the batch before; two of them are a window."""
    return metrics(number, [], events=100, rejected=sum((rejected or {}).values()), rejected_by_reason=rejected or {}, **changes)


def told(rejections: list[dict[str, int]], series: Series | None = None) -> list[tuple[str, str, str]]:
    """Kind, state and feature of the alerts over windows, each of two batches with these rejections."""
    series = series or Series()
    alerts: list[Any] = []
    for number, rejected in enumerate(rejected for rejected in rejections for _ in range(2)):
        alerts += take(series, OURS, batch(number, rejected), LIMITS)
    return [(alert.kind, alert.state, alert.feature) for alert in alerts]


def test_a_rate_over_the_threshold_is_raised_once_and_resolved_after_two_quiet_windows() -> None:
    found = told([{"json": 1}, {"json": 6}, {"json": 50}, {"json": 1}, {"json": 9}, {}, {}, {}])
    assert found == [("rejection_rate", "raised", "rejected"), ("rejection_rate", "resolved", "rejected")]


def test_a_reason_is_new_once_and_not_while_a_service_is_learnt() -> None:
    calm = [{"json": 1}] * (LEARNT_WINDOWS - 1)
    assert told([*calm, {"type": 1}, {"type": 1, "json": 1}, {"enum": 2, "json": 1}, {"enum": 2}]) == [("new_reason", "raised", "enum")]


def test_the_alert_says_how_many_and_since_when() -> None:
    series = Series()
    (alert,) = [out for number in range(2) for out in take(series, OURS, batch(number, {"json": 50}), LIMITS)]
    assert isinstance(alert, Alert)
    assert (alert.version, alert.value, alert.threshold, alert.events) == (3, 0.5, 0.05, 200)
    assert alert.since == alert.window_start == batch(0).now
    assert alert.message == "churn_risk: 50.0% of 200 events are rejected, threshold 5.0%; see `scoring rejected list`"


def test_a_record_that_comes_again_counts_once_and_the_state_survives_its_text() -> None:
    series, first = Series(), batch(0, {"json": 50})
    for record in (first, first):
        assert take(series, OURS, record, LIMITS) == []
    again = decode(encode(series))
    assert take(again, OURS, batch(1), LIMITS) == take(series, OURS, batch(1), LIMITS)
    assert again.rejections == series.rejections


def test_reasons_of_no_rule_are_one() -> None:
    series = Series()
    told([{f"r{n}": 1, f"q{n}": 1} for n in range(LEARNT_WINDOWS + 5)], series)
    assert series.rejections is not None
    assert series.rejections.known == ["other"]


def test_a_replay_is_no_incident() -> None:
    series = Series()
    records = [batch(n, {"json": 100}, replayed={"rejected": 100}) for n in range(4)] + [batch(n, {"json": 1}) for n in range(4, 6)]
    assert [out for record in records for out in take(series, OURS, record, LIMITS)] == []


def after_learning(*records: Metrics) -> list[tuple[str, str]]:
    """Alerts of records that come after the windows that teach a service."""
    series = Series()
    calm = [batch(number, {"json": 1}) for number in range(2 * LEARNT_WINDOWS)]
    later = [msgspec.structs.replace(record, id=f"later/{place}/0") for place, record in enumerate(records)]
    alerts: list[Any] = [out for record in [*calm, *later] for out in take(series, OURS, record, LIMITS)]
    return [(alert.kind, alert.feature) for alert in alerts]


def test_an_incident_while_a_replay_runs_is_seen_and_not_diluted() -> None:
    """Of 100 events 80 are replayed, which pass; 10 of the 20 that come for the first time are rejected."""
    records = [batch(20 + n, {"json": 10}, replayed={"scored": 80}) for n in range(10)]
    assert after_learning(*records) == [("rejection_rate", "rejected")]
    again = [batch(20 + n, {"json": 50}, replayed={"rejected": 40, "scored": 40}) for n in range(10)]
    assert after_learning(*again) == [("rejection_rate", "rejected")]


def test_a_reason_that_only_replayed_events_may_have_is_not_new() -> None:
    assert after_learning(*[batch(20 + n, {"enum": 2, "json": 1}, replayed={"rejected": 2}) for n in range(4)]) == []
    assert after_learning(*[batch(20 + n, {"enum": 3}, replayed={"rejected": 2}) for n in range(4)]) == [("new_reason", "enum")]
