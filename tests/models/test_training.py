"""What training leaves behind: a model worth serving, and a reference that fits its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from churn_model import DATA, TASK, churn_artifact, churn_model, churn_plan, event_batch

from streaming.contracts.schema import load_contract, parse_contract
from streaming.drift.psi import psi
from streaming.errors import ConfigError
from streaming.local.telco import CATEGORICAL, NUMERIC, TARGET, load_telco, split
from streaming.metrics.sketches import count
from streaming.models.training import as_table, features_of, task_of, train
from streaming.steps.observe import Observe


def test_the_model_ranks_held_out_customers_as_well_as_this_table_allows() -> None:
    metrics = churn_artifact().manifest.metrics

    assert metrics["auroc"] > 0.83
    assert metrics["average_precision"] > 0.64
    assert metrics["log_loss"] < 0.43
    assert metrics["held_out_rows"] == 2121


@pytest.mark.slow
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


SCHEMA = Path(__file__).parents[2] / "schemas" / "customer_activity" / "v1.json"


def _changed(**changes: dict[str, Any]) -> Any:
    """The churn contract as training has it, with keywords of fields added or changed."""
    document = dict(load_contract(SCHEMA).document)
    properties = {name: spec | changes.get(name, {}) for name, spec in document["properties"].items()}
    return parse_contract(document | {"properties": properties}, "customer_activity", 1, "changed", "training")


def test_the_contract_states_what_is_learned() -> None:
    assert task_of(load_contract(SCHEMA, "training"), "churn") == TASK


def test_target_may_be_a_field_with_a_role() -> None:
    document = {name: value for name, value in load_contract(SCHEMA).document.items() if name != "x-target"}
    target = {"type": "string", "enum": ["no", "yes"], "x-role": "target", "x-environments": ["training"], "x-positive": "no"}
    contract = parse_contract(document | {"properties": {**document["properties"], "left": target}}, "customer_activity", 3, "", "training")
    task = task_of(contract, "churn")
    assert (task.target, task.positive_class, task.schema_version) == ("left", "no", 3)


def test_without_a_positive_class_nothing_is_trained() -> None:
    document = {name: value for name, value in load_contract(SCHEMA).document.items() if name != "x-target"}
    with pytest.raises(ConfigError, match="customer_activity v1 names no target with a positive class; add x-role target and x-positive"):
        task_of(parse_contract(document, "customer_activity", 1, "", "training"), "churn")


def test_a_feature_with_x_drift_false_has_no_reference_and_is_not_counted() -> None:
    task = task_of(_changed(tenure={"x-drift": False}, contract={"x-drift": {"threshold": 0.3}}), "churn")
    training, held_out = split(load_telco(DATA))
    manifest = train(task, training[:1000], held_out[:200]).manifest
    assert task.unwatched == {"tenure"}
    assert list(manifest.distributions) == [name for name in manifest.feature_names if name != "tenure"]
    assert "tenure" in manifest.feature_names
    batch = event_batch(50).append_column("score", pa.array([0.5] * 50))
    observed = Observe(manifest)(batch, churn_plan()).observed
    assert set(observed["features"]) == set(manifest.distributions)
