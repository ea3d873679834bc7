"""Observe: counts over the bins frozen at training; the rows pass unchanged."""

from __future__ import annotations

import math

import msgspec
import pyarrow as pa
import pytest
from churn_model import churn_artifact, churn_model, churn_plan, event_batch

from streaming.metrics import kll
from streaming.metrics.sketches import Histogram, merge
from streaming.metrics.tally import merge_quantiles
from streaming.steps import Outcome
from streaming.steps.observe import Observe
from streaming.steps.score import Score


def scored(rows: int, **changed: list[object]) -> pa.RecordBatch:
    return Score(churn_model())(event_batch(rows, **changed), churn_plan()).rows


def observe(batch: pa.RecordBatch) -> Outcome:
    return Observe(churn_artifact().manifest)(batch, churn_plan())


def features(outcome: Outcome) -> dict[str, Histogram]:
    found = outcome.observed["features"]
    assert isinstance(found, dict)
    return found


def score(outcome: Outcome) -> Histogram:
    found = outcome.observed["score"]
    assert isinstance(found, Histogram)
    return found


def test_rows_pass_unchanged_and_nobody_is_rejected() -> None:
    batch = scored(50)
    outcome = observe(batch)
    assert outcome.rows is batch
    assert outcome.rejected.num_rows == 0


def test_every_feature_of_the_model_is_counted_and_every_row_once() -> None:
    outcome = observe(scored(50))
    assert set(features(outcome)) == set(churn_model().features)
    assert {histogram.total for histogram in features(outcome).values()} == {50} == {score(outcome).total}


def test_counts_lie_over_the_frozen_bins() -> None:
    """Bins of the contract are its three values; each is counted where training put it."""
    bins = churn_artifact().manifest.distributions["contract"].bins
    outcome = observe(scored(4, contract=["Two year", "One year", "Two year", None]))
    assert features(outcome)["contract"] == Histogram(
        [["Two year", "One year", "Two year"].count(value) for value in bins.values], missing=1
    )


def test_what_training_did_not_know_is_told_apart() -> None:
    outcome = observe(scored(3, contract=["Lifetime", None, "One year"], total_charges=[None, 1.0, math.nan]))
    assert (features(outcome)["contract"].unseen, features(outcome)["contract"].missing) == (1, 1)
    assert features(outcome)["total_charges"].missing == 2


def test_the_sums_give_mean_and_variance_of_the_scores() -> None:
    batch = scored(200)
    values, outcome = batch.column("score").to_pylist(), observe(batch)
    assert outcome.observed["score_sum"] == pytest.approx(math.fsum(values), rel=1e-12)
    assert outcome.observed["score_sum_squares"] == pytest.approx(math.fsum(v * v for v in values), rel=1e-12)


def test_parts_of_a_batch_merge_to_the_whole() -> None:
    batch = scored(100)
    whole, parts = observe(batch), [observe(batch.slice(0, 31)), observe(batch.slice(31, 1)), observe(batch.slice(32))]
    assert features(whole) == {name: merge(features(part)[name] for part in parts) for name in features(whole)}
    assert score(whole) == merge(map(score, parts))


def test_no_rows() -> None:
    outcome = observe(scored(0))
    assert (score(outcome).total, outcome.observed["score_sum"]) == (0, 0.0)


def test_numbers_that_training_made_sketches_of_are_sketched_and_merge_to_those_of_the_whole() -> None:
    manifest, batch = churn_artifact().manifest, scored(150)
    wanted = {name for name, known in manifest.distributions.items() if known.quantiles}
    whole = observe(batch).observed
    assert isinstance(whole["quantiles"], dict)
    assert set(whole["quantiles"]) == wanted >= {"tenure", "monthly_charges"}
    halves = [observe(batch.slice(0, 60)).observed["quantiles"], observe(batch.slice(60)).observed["quantiles"]]
    assert merge_quantiles(halves) == whole["quantiles"]  # type: ignore[arg-type]
    assert kll.points(whole["score_quantiles"]).values.tolist() == sorted(batch.column("score").to_pylist())  # type: ignore[arg-type]


def test_slices_hold_the_rows_of_their_value_alone() -> None:
    manifest, batch = churn_artifact().manifest, scored(120)
    watched = Observe(msgspec.structs.replace(manifest, slices={"contract": {}}))(batch, churn_plan())
    slices = watched.observed["slices"]
    assert isinstance(slices, dict)
    values = batch.column("event.contract").to_pylist()
    assert {name: counts.scored for name, counts in slices.items()} == {f"contract={value}": values.count(value) for value in set(values)}
    for name, histogram in features(watched).items():
        assert merge(counts.features[name] for counts in slices.values()) == histogram
    assert merge(counts.score for counts in slices.values()) == score(watched)
