"""A series' memory: windows, repeats, late references, what does not fit; over one feature of two bins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streaming.drift.detect import Limits, take
from streaming.drift.series import Key, Series, decode, encode
from streaming.errors import SkewedPlan
from streaming.metrics.records import Alert, Drift, Group, Metrics, Reference
from streaming.metrics.records import encode as encode_record
from streaming.metrics.sketches import Bins, Histogram
from streaming.records import rfc3339

KEY = Key("churn_risk", "churn", "3")
BINS = Bins("categorical", values=["a", "b"])
SAME, OTHER = (50, 50), (95, 5)
LIMITS = Limits(window_s=2, window_events=250, psi_threshold=0.2)
REFERENCE = Reference(
    id="r",
    at="2026-01-01T00:00:00.000000Z",
    deployment=KEY.deployment,
    model=KEY.model,
    model_version=KEY.model_version,
    model_sha256="s",
    bins={"plan": BINS},
    counts={"plan": Histogram([5000, 5000])},
    score_bins=BINS,
    score_counts=Histogram([5000, 5000]),
    trained_at="2026-01-01T00:00:00.000000Z",
)


def now(batch: int) -> str:
    """Plan time of a batch: a second after the one before."""
    return rfc3339(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=batch))


def batch(number: int, counts: tuple[int, int] = SAME, *, query: str = "q", chunk: int = 0, sha256: str = "s") -> Metrics:
    """A metrics record whose score never moves."""
    total = sum(counts)
    score = Histogram([total // 2, total - total // 2])
    group = Group(
        "champion", "champion", KEY.model, KEY.model_version, sha256, 1, total, {"plan": Histogram(list(counts))}, score, 0.0, 0.0
    )
    return Metrics(
        id=f"{query}/{number}/{chunk}",
        at=now(number),
        now=now(number),
        deployment=KEY.deployment,
        stream="s",
        query_id=query,
        batch_id=number,
        chunk=chunk,
        chunks=1,
        plan_id="p",
        offsets={},
        events=total,
        scored=total,
        repeated=0,
        rejected=0,
        rejected_by_reason={},
        groups=[group],
        latency_ms={},
        parts_ms={},
        duration_ms=1.0,
        events_per_s=1.0,
    )


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


def test_drift_is_raised_once_and_resolved_once() -> None:
    loud, quiet = [batch(n, OTHER) for n in range(6)], [batch(n) for n in range(6, 12)]
    out = take_all(Series(), REFERENCE, *loud, *quiet)
    alerts = [record for record in out if isinstance(record, Alert)]
    assert [(a.state, a.feature, a.kind, a.since, a.window_end) for a in alerts] == [
        ("raised", "plan", "input_drift", now(0), now(2)),
        ("resolved", "plan", "input_drift", now(0), now(8)),
    ]
    drifts = [record for record in out if isinstance(record, Drift)]
    assert [drift.features["plan"].since for drift in drifts] == [now(0), now(0), None, None]
    assert not any(drift.score.drifted for drift in drifts)
    assert "plan has drifted" in alerts[0].message


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
    records: list[Reference | Metrics] = [REFERENCE, *(batch(n, OTHER) for n in range(3)), *(batch(n) for n in range(3, 6))]
    out = take_all(Series(), *records)
    other = Series()
    out += [out for record in records for out in take(other, Key("churn_risk", "churn", "4"), record, LIMITS)]
    assert len({record.id for record in out}) == len(out) == 8


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
    take_all(series, REFERENCE, batch(0), batch(1, sha256="other"))
    odd = batch(2)
    odd = msgspec.structs.replace(odd, groups=[msgspec.structs.replace(odd.groups[0], features={"plan": Histogram([1, 2, 3])})])
    take_all(series, odd)
    assert series.window is not None
    assert series.window.events == 100


def test_another_model_file_under_the_same_version_begins_anew() -> None:
    series = Series()
    take_all(series, REFERENCE, *(batch(n, OTHER) for n in range(4)))
    assert series.since == {"plan": now(0)}
    take_all(series, msgspec.structs.replace(REFERENCE, model_sha256="other"))
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
