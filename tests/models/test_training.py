"""What training leaves behind: a model worth serving, and a reference that fits its table."""

from __future__ import annotations

import pyarrow as pa
from churn_model import DATA, TASK, churn_artifact, churn_model

from streaming.drift.psi import psi
from streaming.local.telco import CATEGORICAL, NUMERIC, TARGET, load_telco, split
from streaming.metrics.sketches import count
from streaming.models.training import as_table, features_of, train


def test_the_model_ranks_held_out_customers_as_well_as_this_table_allows() -> None:
    metrics = churn_artifact().manifest.metrics

    assert metrics["auroc"] > 0.83
    assert metrics["average_precision"] > 0.64
    assert metrics["log_loss"] < 0.43
    assert metrics["held_out_rows"] == 2121


def test_training_again_gives_the_same_scores() -> None:
    again = train(TASK, *split(load_telco(DATA))).manifest

    assert again.reference_rows == churn_artifact().manifest.reference_rows
    assert again.score == churn_artifact().manifest.score


def test_features_are_the_columns_in_order_with_their_kinds() -> None:
    features = churn_artifact().manifest.features

    assert [feature.name for feature in features] == [name for name in load_telco(DATA).columns if name != TARGET]
    assert {feature.name for feature in features if feature.kind == "categorical"} == set(CATEGORICAL)
    assert {feature.name for feature in features if feature.kind == "numeric"} == set(NUMERIC)


def test_every_feature_has_a_reference_over_all_training_rows() -> None:
    manifest = churn_artifact().manifest

    assert list(manifest.distributions) == manifest.feature_names
    assert {known.counts.total for known in manifest.distributions.values()} == {manifest.training_rows} == {4922}
    assert manifest.score.counts.total == 4922
    assert sum(known.counts.missing for known in manifest.distributions.values()) == 9


def test_held_out_scores_look_like_the_reference() -> None:
    """In-sample scores would not: they are too sure of themselves."""
    manifest = churn_artifact().manifest
    _, held_out = split(load_telco(DATA))
    table = as_table(held_out, features_of(held_out, TARGET), TARGET)
    found = count(manifest.score.bins, pa.array(churn_model().predict(table.features)))

    assert psi(manifest.score.counts.counts, found.counts) < 0.02


def test_reference_rows_hold_a_missing_value() -> None:
    assert any(None in row.values for row in churn_artifact().manifest.reference_rows)
