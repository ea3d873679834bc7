"""Records of quality from rows: groups, populations, slices, coverage, maturity; groups of customers beside each other."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pandas as pd
import pytest
from prediction_rows import NOON
from sklearn import metrics
from telco_scores import charges, churn, contracts

from streaming.metrics.quality_record import Quality, QualityGroup
from streaming.metrics.records import Alert, decode, encode
from streaming.truth.auroc import auroc_interval
from streaming.truth.declared import Cost, Fairness, Truth
from streaming.truth.fairness_alert import alerts_of
from streaming.truth.quality import quality_records, record_id
from streaming.truth.rows import COLUMNS
from streaming.truth.windows import Window, window_of

Y, SCORE, WEIGHT, CUSTOMERS = churn()
WINDOW = Window(NOON, NOON + timedelta(hours=1))
TRUTH = Truth(window=timedelta(hours=1), top=(0.1,), cost=Cost(true_positive=80, false_positive=-10, false_negative=-200))


def frame_of(y: Any, score: Any, **changes: Any) -> pd.DataFrame:
    """Rows as `window_rows` gives them, all labelled, a tenth of a second apart."""
    count = len(score)
    usual: dict[str, Any] = {
        "prediction_id": [f"p{n}" for n in range(count)], "role": "champion", "variant": "champion", "model": "churn", "model_version": "3",
        "score": score, "scores": None, "predicted_class": None,
        "event_time": [NOON + timedelta(milliseconds=100 * n) for n in range(count)], "scored_at": NOON, "number": y, "name": None,
        "weight": 1.0, "acted": None, "partial": False, "contradicted": False,
    }  # fmt: skip
    return pd.DataFrame({name: (usual | changes)[name] for name in COLUMNS})


def made(frame: pd.DataFrame, truth: Truth = TRUTH, **changes: Any) -> list[Quality]:
    usual: dict[str, Any] = {"revision": 1, "now": NOON + timedelta(days=60)}
    return quality_records("churn_risk", WINDOW, frame, truth, **(usual | changes))


def whole(frame: pd.DataFrame, truth: Truth = TRUTH, **changes: Any) -> QualityGroup:
    return made(frame, truth, **changes)[0].groups[0]


def test_figures_of_a_window_are_scikit_learns_and_lie_in_their_intervals() -> None:
    found = whole(frame_of(Y, SCORE)).figures
    theirs = {
        "auroc": metrics.roc_auc_score(Y, SCORE), "average_precision": metrics.average_precision_score(Y, SCORE),
        "log_loss": metrics.log_loss(Y, SCORE), "brier": metrics.brier_score_loss(Y, SCORE), "f1": metrics.f1_score(Y, SCORE >= 0.5),
        "precision": metrics.precision_score(Y, SCORE >= 0.5), "recall": metrics.recall_score(Y, SCORE >= 0.5), "base_rate": Y.mean(),
    }  # fmt: skip
    assert {name: found[name].value for name in theirs} == pytest.approx(theirs)
    assert all(figure.low <= figure.value <= figure.high for name, figure in found.items() if name != "calibration_error")
    assert (found["auroc"].interval, found["precision"].interval, found["f1"].interval) == ("delong", "wilson", "bootstrap")
    assert (found["auroc"].low, found["auroc"].high) == pytest.approx(auroc_interval(Y, SCORE))
    chosen = SCORE >= 0.5
    worth = 80 * (Y[chosen] == 1).sum() - 10 * (Y[chosen] == 0).sum() - 200 * (Y[~chosen] == 1).sum()
    assert found["business_value"].value == pytest.approx(worth)


def test_weights_count_in_every_figure() -> None:
    found = whole(frame_of(Y, SCORE, weight=WEIGHT)).figures
    assert found["auroc"].value == pytest.approx(metrics.roc_auc_score(Y, SCORE, sample_weight=WEIGHT))
    assert found["brier"].value == pytest.approx(metrics.brier_score_loss(Y, SCORE, sample_weight=WEIGHT))
    assert found["auroc"].interval == "bootstrap"


def test_a_window_with_one_class_says_why_figures_are_absent() -> None:
    group = whole(frame_of(np.zeros(40), SCORE[:40]))
    assert group.absent["auroc"] == "only one class among the labels"
    assert {"average_precision", "recall", "f1"} <= set(group.absent) | set(group.figures)
    assert "auroc" not in group.figures
    assert group.figures["log_loss"].value > 0
    assert all(np.isfinite(figure.value) for figure in group.figures.values())


def test_a_window_without_labels_has_its_coverage_and_one_reason() -> None:
    group = whole(frame_of(np.nan, SCORE[:40], weight=np.nan))
    assert (group.predictions, group.labels, group.coverage, group.maturity) == (40, 0, 0.0, 0.0)
    assert (group.figures, group.absent) == ({}, {"all": "no labels"})


def test_scores_that_are_no_chances_have_no_log_loss() -> None:
    group = whole(frame_of(Y[:100], SCORE[:100] * 7))
    assert {name for name, reason in group.absent.items() if reason == "scores do not lie within 0 and 1"} == {
        "log_loss",
        "brier",
        "calibration_error",
    }
    assert "auroc" in group.figures


def test_coverage_maturity_partial_and_contradicted_labels() -> None:
    """Of 10 predictions the first 6 are due; 4 of those are labelled, 1 partially, and 1 that is not due is labelled already."""
    labelled = [True, True, True, True, True, False, True, False, False, False]
    partial = [False, False, False, False, True] + [False] * 5
    frame = frame_of(
        np.where(labelled, 1.0, np.nan),
        SCORE[:10],
        weight=np.where(labelled, 1.0, np.nan),
        partial=partial,
        contradicted=[True] + [False] * 9,
    )
    group = whole(frame, now=NOON + timedelta(days=30, milliseconds=500))
    assert (group.labels, group.partial, group.contradicted) == (5, 1, 1)
    assert (group.coverage, group.maturity) == (0.5, pytest.approx(4 / 6))
    assert whole(frame, now=NOON).maturity is None
    assert whole(frame, TRUTH.model_copy(update={"delay": timedelta(days=1)}), now=NOON + timedelta(days=30, seconds=9)).maturity is None


def test_the_held_out_share_and_those_not_acted_upon_stand_beside_all() -> None:
    """Whom we call stays: among those acted upon a high score is followed by no churn, and the figure of all is worse than the true one."""
    held_out = np.arange(len(Y)) % 5 == 0
    acted = ~held_out & (SCORE >= 0.4)
    came = np.where(acted, 0.0, Y)
    frame = frame_of(came, SCORE, variant=np.where(held_out, "hold-out", "champion"), acted=acted)
    groups = {(group.variant, group.population): group for group in made(frame)[0].groups}
    assert list(groups) == [("*", "all"), ("*", "held_out"), ("*", "not_acted"), ("champion", "all"), ("hold-out", "all")]
    true = metrics.roc_auc_score(Y[held_out], SCORE[held_out])
    assert groups["*", "held_out"].figures["auroc"].value == pytest.approx(true)
    assert groups["*", "all"].figures["auroc"].value < true - 0.1
    assert groups["*", "not_acted"].labels == int((~acted).sum())


def test_versions_variants_and_shadows_have_their_own_figures() -> None:
    half = len(Y) // 2
    version = np.where(np.arange(len(Y)) < half, "3", "4")
    frame = pd.concat([frame_of(Y, SCORE, model_version=version), frame_of(Y, 1 - SCORE, role="shadow", variant="next", model_version="5")])
    groups = {(group.model_version, group.variant, group.role): group.figures["auroc"].value for group in made(frame)[0].groups}
    assert groups == {
        ("3", "*", "champion"): pytest.approx(metrics.roc_auc_score(Y[:half], SCORE[:half])),
        ("4", "*", "champion"): pytest.approx(metrics.roc_auc_score(Y[half:], SCORE[half:])),
        ("5", "next", "shadow"): pytest.approx(1 - metrics.roc_auc_score(Y, SCORE)),
    }


def test_slices_are_figures_of_their_rows_alone() -> None:
    fields = pd.DataFrame({"contract": CUSTOMERS["contract"].to_numpy(), "senior_citizen": CUSTOMERS["senior_citizen"].to_numpy(float)})
    fields.index = pd.Index([f"p{n}" for n in range(len(Y))])
    truth = TRUTH.model_copy(update={"slices": ("contract", "senior_citizen", "not there")})
    found = {record.slice: record for record in made(frame_of(Y, SCORE), truth, fields=fields)}
    assert list(found) == ["", "contract=Month-to-month", "contract=One year", "contract=Two year", "senior_citizen=0", "senior_citizen=1"]
    rows = (CUSTOMERS["contract"] == "One year").to_numpy()
    group = found["contract=One year"].groups[0]
    assert (group.predictions, group.figures["auroc"].value) == (rows.sum(), pytest.approx(metrics.roc_auc_score(Y[rows], SCORE[rows])))
    assert len({record.id for record in found.values()}) == len(found)
    few = made(frame_of(Y, SCORE), truth.model_copy(update={"slice_values": 1, "slices": ("contract",)}), fields=fields)
    assert [record.slice for record in few] == ["", "contract=Month-to-month"]


def test_a_class_as_label_is_positive_or_not() -> None:
    names = np.where(Y == 1, "Yes", "No")
    found = whole(frame_of(np.nan, SCORE, name=names)).figures
    assert found["auroc"].value == pytest.approx(metrics.roc_auc_score(Y, SCORE))


def test_amounts_and_classes_have_figures_of_their_own() -> None:
    amount, told, _, _ = charges()
    found = whole(frame_of(amount, told), Truth(task="regression")).figures
    assert found["rmse"].value == pytest.approx(metrics.root_mean_squared_error(amount, told))
    assert found["mae"].low < found["mae"].value < found["mae"].high
    names, chances, classes, _ = contracts()
    scores = [dict(zip(classes, map(float, row), strict=True)) for row in chances]
    group = whole(frame_of(np.nan, chances.max(axis=1), name=names, scores=scores), Truth(task="multiclass"))
    assert group.figures["log_loss"].value == pytest.approx(metrics.log_loss(names, chances, labels=list(classes)))
    assert group.figures["auroc_macro"].value == pytest.approx(metrics.roc_auc_score(names, chances, multi_class="ovr"))
    assert set(group.confusion) == set(classes)


def fair(y: Any = Y, score: Any = SCORE, groups: Any = None, **bounds: Any) -> Quality:
    fields = pd.DataFrame({"senior_citizen": CUSTOMERS["senior_citizen"].to_numpy() if groups is None else groups})
    fields.index = pd.Index([f"p{n}" for n in range(len(y))])
    truth = TRUTH.model_copy(update={"fairness": Fairness(columns=("senior_citizen",), **bounds)})
    return made(frame_of(y, score), truth, fields=fields)[0]


def test_groups_stand_beside_the_largest_with_rates_differences_and_ratios() -> None:
    young, old = fair(max_difference=0.1).fairness
    assert (young.reference, old.reference, young.group, old.group) == (True, False, "0", "1")
    senior = (CUSTOMERS["senior_citizen"] == 1).to_numpy()
    chosen = SCORE >= 0.5
    rates = {"selection_rate": chosen[senior].mean(), "true_positive_rate": chosen[senior & (Y == 1)].mean(),
             "false_positive_rate": chosen[senior & (Y == 0)].mean(), "calibration_gap": (Y - SCORE)[senior].mean()}  # fmt: skip
    assert {name: figure.value for name, figure in old.rates.items()} == pytest.approx(rates)
    apart = chosen[senior].mean() - chosen[~senior].mean()
    assert old.differences["selection_rate"].value == pytest.approx(apart)
    assert old.ratios["selection_rate"].value == pytest.approx(chosen[senior].mean() / chosen[~senior].mean())
    assert old.beyond["selection_rate"] == 0.1
    assert young.differences == young.beyond == {}


def test_a_small_group_is_shown_and_not_judged() -> None:
    groups = np.where(np.arange(len(Y)) < 8, "few", "many")
    found = {one.group: one for one in fair(score=np.where(groups == "few", 1.0, SCORE), groups=groups).fairness}
    assert not found["few"].judged
    assert found["few"].beyond == {}
    assert found["few"].differences["selection_rate"].value > 0.5


def test_the_four_fifths_rule_is_judged_where_it_is_declared() -> None:
    assert fair(max_difference=0.99).fairness[1].beyond == {}
    assert fair(max_difference=0.99, min_ratio=0.8).fairness[1].beyond == {"selection_rate_ratio": 0.8}


def test_groups_that_are_alike_are_within_every_bound() -> None:
    groups = np.random.default_rng(3).choice(["a", "b"], len(Y))
    assert all(one.beyond == {} for one in fair(groups=groups, max_difference=0.1, min_ratio=0.8).fairness)


def test_an_alert_is_raised_once_and_resolved_by_a_later_window() -> None:
    stored: dict[str, Alert] = {}
    unfair, alike = fair(max_difference=0.1), fair(groups=np.random.default_rng(3).choice([0, 1], len(Y), p=[0.7, 0.3]), max_difference=0.1)
    raised = list(alerts_of(unfair, stored.get))
    assert {alert.state for _, alert in raised} == {"raised"}
    assert all(alert.feature == "senior_citizen=1" and alert.kind == "fairness" for _, alert in raised)
    stored |= dict(raised)
    assert list(alerts_of(unfair, stored.get)) == []
    resolved = list(alerts_of(alike, stored.get))
    assert [(about, alert.state) for about, alert in resolved] == [(about, "resolved") for about, _ in raised]
    stored |= dict(resolved)
    assert list(alerts_of(alike, stored.get)) == []
    assert "senior_citizen=1 lies beyond its bound" in raised[0][1].message


def test_an_encoded_record_is_valid_by_its_schema_and_read_back() -> None:
    validator = jsonschema_rs.Draft202012Validator(json.loads(Path("schemas/quality/v1.json").read_text()), validate_formats=True)
    record = fair()
    assert [error.message for error in validator.iter_errors(json.loads(encode(record)))] == []
    assert decode(encode(record)) == record
    assert record.id == record_id("churn_risk", WINDOW, "", 1) == "churn_risk/2026-01-02T12:00:00.000000Z/2026-01-02T13:00:00.000000Z/*/1"


def test_windows_follow_one_another_from_1970_on() -> None:
    day = timedelta(days=1)
    assert window_of(NOON, day) == (NOON - timedelta(hours=12), NOON + timedelta(hours=12))
    assert window_of(NOON + timedelta(hours=12), day).start == NOON + timedelta(hours=12)
