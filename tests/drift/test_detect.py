"""A series' memory: windows, repeats, late references, what does not fit; over one feature of two bins."""

from __future__ import annotations

from pathlib import Path

import pytest
from drift_records import KEY, OTHER, SAME, batch, group, metrics, now, reference

from streaming.drift.detect import Limits, take
from streaming.drift.series import Key, Series, decode, encode
from streaming.errors import SkewedPlan
from streaming.metrics.records import Alert, Drift, Metrics, Reference
from streaming.metrics.records import encode as encode_record
from streaming.metrics.sketches import Histogram

LIMITS = Limits(window_s=2, window_events=250, psi_threshold=0.2)
REFERENCE = reference()
STATES = Path(__file__).parents[1] / "fixtures" / "drift_state"


def take_all(series: Series, *records: Reference | Metrics) -> list[Drift | Alert]:
    """All that is published."""
    return [out for record in records for out in take(series, KEY, record, LIMITS)]


def test_a_window_closes_when_long_and_large_enough() -> None:
    series = Series()
    assert take_all(series, REFERENCE, batch(0), batch(1)) == []
    (drift,) = take_all(series, batch(2))
    assert isinstance(drift, Drift)
    assert (drift.window_start, drift.window_end, drift.events) == (now(0), now(2), 300)
    assert drift.features["plan"].current == Histogram([150, 150])
    assert series.window is None


@pytest.mark.parametrize(("thresholds", "drifted"), [({}, True), ({"other": 5.0}, True), ({"plan": 5.0}, False)])
def test_the_reference_s_own_threshold_stands_above_the_job_s(thresholds: dict[str, float], drifted: bool) -> None:
    (drift, *_) = take_all(Series(), reference(thresholds=thresholds), *windows("D"))
    assert isinstance(drift, Drift)
    plan = drift.features["plan"]
    assert (plan.drifted, plan.threshold) == (drifted, thresholds.get("plan", LIMITS.psi_threshold))


def test_a_large_window_stays_open_until_it_is_long_and_a_long_one_until_it_is_large() -> None:
    assert take_all(Series(), REFERENCE, batch(0, (500, 500)), batch(1, (500, 500))) == []
    assert take_all(Series(), REFERENCE, batch(0, (10, 10)), batch(9, (10, 10))) == []


def test_repeats_are_dropped_and_batches_after_them_count() -> None:
    series = Series()
    out = take_all(series, REFERENCE, batch(0), batch(1), batch(1), batch(0), batch(1), batch(2))
    assert [record.events for record in out] == [300]


def test_chunks_of_a_batch_and_other_queries_are_no_repeats() -> None:
    series = Series()
    take_all(series, REFERENCE, batch(1), batch(1, chunk=1), batch(1, chunk=1), batch(1, query="other"))
    assert series.window is not None
    assert series.window.events == 300


def windows(drifted: str, first: int = 0) -> list[Metrics]:
    """Batches of windows of three: those of a window drift for each `D`, and are quiet for each `-`."""
    numbers = range(first, first + 3 * len(drifted))
    return [batch(number, OTHER if drifted[(number - first) // 3] == "D" else SAME) for number in numbers]


def alerts_of(out: list[Drift | Alert]) -> list[tuple[str, str, str, str | None, str]]:
    """What the alerts tell."""
    return [(a.state, a.feature, a.kind, a.since, a.window_end) for a in out if isinstance(a, Alert)]


def test_drift_is_raised_once_and_resolved_once() -> None:
    out = take_all(Series(), REFERENCE, *windows("DD----"))
    assert alerts_of(out) == [
        ("raised", "plan", "input_drift", now(0), now(2)),
        ("resolved", "plan", "input_drift", now(0), now(11)),
    ]
    drifts = [record for record in out if isinstance(record, Drift)]
    assert [drift.features["plan"].since for drift in drifts] == [now(0), now(0), None, None, None, None]
    assert not any(drift.score.drifted for drift in drifts)
    told = [record.message for record in out if isinstance(record, Alert)]
    assert "plan has drifted" in told[0]
    assert "plan is back within its training reference for two windows" in told[1]


@pytest.mark.parametrize(
    ("drifted", "told"),
    [
        ("D-D-D-D-", ["raised"]),
        ("D--", ["raised", "resolved"]),
        ("D-D--", ["raised", "resolved"]),
        ("D--D--", ["raised", "resolved", "raised", "resolved"]),
        ("-D", ["raised"]),
        ("----", []),
    ],
)
def test_an_alert_ends_after_two_quiet_windows_in_a_row(drifted: str, told: list[str]) -> None:
    records = [REFERENCE, *windows(drifted)]
    assert [state for state, *_ in alerts_of(take_all(Series(), *records))] == told


def test_a_run_keeps_its_begin_over_one_quiet_window_and_over_a_restart() -> None:
    series = Series()
    take_all(series, REFERENCE, *windows("D-"))
    series = decode(encode(series))
    (drift,) = take_all(series, *windows("D", first=6))
    assert isinstance(drift, Drift)
    assert (drift.window_start, drift.features["plan"].since) == (now(6), now(0))


def test_the_score_has_the_same_rule() -> None:
    loud = [metrics(n, [group(score=Histogram([95, 5]))]) for n in range(3)]
    told = alerts_of(take_all(Series(), REFERENCE, *loud, *windows("-", first=3), *windows("-", first=6)))
    assert told == [("raised", "score", "output_drift", now(0), now(2)), ("resolved", "score", "output_drift", now(0), now(8))]


@pytest.mark.parametrize("path", sorted(STATES.iterdir()), ids=lambda path: path.stem)
def test_a_state_of_every_release_is_read_and_goes_on(path: Path) -> None:
    """Each was written by its release after a drifted window (batches 0 to 2) and two batches of the next (3 of query q, 4 of r)."""
    series = decode(path.read_text())
    assert series.reference == reference(version=1)
    out = take_all(series, batch(3, OTHER), batch(5), *windows("--", first=6))
    assert alerts_of(out) == [("resolved", "plan", "input_drift", now(0), now(11))]
    first = out[0]
    assert isinstance(first, Drift)
    assert (first.window_start, first.window_end, first.events, first.features["plan"].since) == (now(3), now(5), 300, now(0))


def test_metrics_before_the_reference_are_kept() -> None:
    series = Series()
    assert take_all(series, *(batch(n, OTHER) for n in range(50))) == []
    out = take_all(series, REFERENCE)
    assert [type(record) for record in out] == [Drift, Alert]
    assert out[0].events == 5000


def test_a_replay_from_the_same_state_gives_the_same_bytes() -> None:
    series = Series()
    take_all(series, REFERENCE, batch(0, OTHER), batch(1, OTHER))
    saved = encode(series)
    runs = [[encode_record(out) for out in take_all(decode(saved), batch(2, OTHER))] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 2


def test_ids_differ_between_windows_states_and_series() -> None:
    records: list[Reference | Metrics] = [REFERENCE, *(batch(n, OTHER) for n in range(3)), *(batch(n) for n in range(3, 9))]
    out = take_all(Series(), *records)
    other = Series()
    out += [out for record in records for out in take(other, Key("churn_risk", "churn", "4"), record, LIMITS)]
    assert len({record.id for record in out}) == len(out) == 10


def test_the_state_survives_and_does_not_grow() -> None:
    series = Series()
    take_all(series, REFERENCE)
    sizes = []
    for n in range(400):
        series = decode(encode(series))
        take_all(series, batch(n, OTHER, query=f"query-{n // 4:03}"))
        sizes.append(len(encode(series)))
    assert max(sizes[200:]) <= max(sizes[:200]) + 20


def test_a_state_of_another_release_is_told() -> None:
    with pytest.raises(SkewedPlan, match="version 2"):
        decode(encode(Series(version=2)))
    with pytest.raises(SkewedPlan, match="cannot be read"):
        decode('{"window": 3}')


def test_histograms_over_other_bins_or_of_another_model_file_are_left_out() -> None:
    series = Series()
    take_all(series, REFERENCE, batch(0), metrics(1, [group(model_sha256="other")]))
    take_all(series, metrics(2, [group(features={"plan": Histogram([1, 2, 3])})]))
    assert series.window is not None
    assert series.window.events == 100


def test_another_model_file_under_the_same_version_begins_anew() -> None:
    series = Series()
    take_all(series, REFERENCE, *(batch(n, OTHER) for n in range(4)))
    assert series.since == {"plan": now(0)}
    take_all(series, reference(model_sha256="other"))
    assert (series.since, series.window) == ({}, None)


def test_a_reference_told_again_changes_nothing() -> None:
    series = Series()
    take_all(series, REFERENCE, batch(0), batch(1))
    before = encode(series)
    take_all(series, REFERENCE)
    assert encode(series) == before


def test_a_few_events_do_not_alert_by_chance() -> None:
    small = Limits(window_s=0, window_events=1, psi_threshold=0.2)
    series = Series()
    take(series, KEY, REFERENCE, small)
    out = take(series, KEY, batch(0, (9, 3)), small)
    assert [type(record) for record in out] == [Drift]
    assert isinstance(out[0], Drift)
    assert out[0].features["plan"].value > 0.2
