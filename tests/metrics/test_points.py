"""What each kind of record says of which series, and that it adds up in any order."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from drift_records import batch, reference
from hypothesis import given
from hypothesis import strategies as st

from streaming.metrics import kll
from streaming.metrics.points import MOST_FIGURES, points
from streaming.metrics.records import Drift, FeatureDrift, Record, encode
from streaming.metrics.series import Said, Series, Sum, added, from_base64, one, rolled
from streaming.metrics.sketches import Histogram

AT = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)


def fields(record: Record) -> dict[str, Any]:
    return dict(msgspec.json.decode(encode(record)))


def test_a_micro_batch_tells_its_technical_figures_and_its_scores() -> None:
    record = batch(0, (60, 40), rejected=3, rejected_by_reason={"json": 3}, latency_ms={"4": 100}, parts_ms={"score": 7.5})
    said = {(one.series.name, one.series.label): one.what for one in points(fields(record)).said}
    assert (said["events", ""].total, said["rejected.by_reason", "json"].total, said["batch.part_ms", "score"].total) == (100, 3, 7.5)
    assert said["latency_ms", ""] == Sum(100, 0.0, 0.0, bins={"4": 100})
    assert (said["score", "champion"].n, said["score", "champion"].bins) == (100, {"0": 50, "1": 50})
    assert {one.series.model for one in points(fields(record)).said if one.series.name in ("score", "model.scored")} == {"churn"}


def test_a_sketch_of_scores_is_kept_and_a_broken_one_left_out() -> None:
    sketch = kll.sketch(np.linspace(0, 1, 1000))
    record = fields(batch(0))
    record["groups"][0]["score_quantiles"] = base64.b64encode(sketch).decode()
    (kept,) = [one.what.kll for one in points(record).said if one.series.name == "score"]
    assert kept is not None and kll.points(kept).n == 1000
    for broken in ("", "!", "AAAA", base64.b64encode(sketch[:20]).decode()):
        assert from_base64(broken) is None


def drift() -> dict[str, Any]:
    measured = FeatureDrift("psi", 0.3, 0.2, True, None, Histogram([1]))
    times = {"window_start": "2026-01-01T10:00:00Z", "window_end": "2026-01-01T11:00:00Z"}
    return fields(
        Drift("d", "2026-01-01T11:00:01Z", "churn_risk", "churn", "3", **times, events=9, features={"plan": measured}, score=measured)
    )


def test_a_verdict_of_drift_is_a_value_for_each_feature() -> None:
    values = points(drift()).values
    assert [(value.series.name, value.series.label, value.value, value.n) for value in values] == [
        ("drift.psi", "plan", 0.3, 9),
        ("drift.psi", "score", 0.3, 9),
    ]
    assert (values[0].began_at.hour, values[0].at.hour, values[0].series.version) == (10, 11, "3")


def test_more_measures_and_slices_of_a_later_version_are_series_of_their_own() -> None:
    record = drift() | {"slice": "region=north"}
    record["features"]["plan"]["measures"] = {"previous": {"ks": {"value": 0.4, "p_value": 0.01}}}
    assert [(value.series.name, value.series.label) for value in points(record).values] == [
        ("drift.psi", "region=north/plan"),
        ("drift.ks.previous", "region=north/plan"),
        ("drift.psi", "region=north/score"),
    ]


def test_figures_of_any_record_about_a_window_are_found() -> None:
    record = {name: drift()[name] for name in ("at", "deployment", "model", "model_version", "window_start", "window_end")}
    record |= {"record": "quality", "version": 1, "n": 50, "coverage": 0.5, "slice": "plan=a", "reasons": ["x"], "final": "no"}
    record["figures"] = {"auroc": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 40}, "brier": {"value": None}}
    record["measured"] = {"auroc": {"value": 0.75, "error": 0.05, "within": True}}
    found = {value.series.name: value for value in points(record).values}
    assert set(found) == {"quality.n", "quality.coverage", "quality.auroc", "quality.measured.auroc", "quality.measured.auroc.error"}
    assert found["quality.auroc"][3:7] == (0.8, 0.7, 0.9, 40)
    assert found["quality.coverage"].series == Series("churn_risk", "quality.coverage", "churn", "3", "plan=a")


def test_no_record_makes_series_without_end() -> None:
    record = drift() | {
        "record": "quality",
        "features": {},
        "score": {},
        "figures": {f"f{n}": {"value": n} for n in range(3 * MOST_FIGURES)},
    }
    assert len(points(record).values) == MOST_FIGURES


def test_a_kind_without_figures_has_none_and_a_time_without_zone_is_told() -> None:
    assert points(fields(reference())) == ([], [])
    with pytest.raises(ValueError, match="no time zone"):
        points(fields(batch(0, now="2026-01-01T00:00:00")))


SUMS = st.builds(lambda value, seconds: one(float(value), AT + timedelta(seconds=seconds)), st.integers(-9, 9), st.integers(0, 99))


@given(st.lists(SUMS, min_size=3, max_size=3))
def test_sums_merge_in_any_order(parts: list[Sum]) -> None:
    a, b, c = parts
    assert added(a, b) == added(b, a)
    assert added(added(a, b), c) == added(a, added(b, c))


@given(st.lists(st.tuples(SUMS, st.integers(0, 300)), max_size=20))
def test_a_day_is_the_sum_of_its_hours(parts: list[tuple[Sum, int]]) -> None:
    said = [Said(Series("d", "n"), AT + timedelta(minutes=minutes), what) for what, minutes in parts]
    hours = [Said(series, at, what) for (series, at), what in rolled(said, "hour").items()]
    assert rolled(hours, "day") == rolled(said, "day")
