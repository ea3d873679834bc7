"""Figures of amounts and of several classes against scikit-learn on the same held-out customers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from telco_scores import charges, contracts

from streaming.truth import multiclass, regression

TOLERANCE = 1e-12
Y, TOLD, WEIGHT, _ = charges()
NAMES, CHANCES, CLASSES, CLASS_WEIGHT = contracts()
PLAIN_AND_WEIGHTED = ["plain", "weighted"]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=PLAIN_AND_WEIGHTED)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (regression.mean_absolute_error, metrics.mean_absolute_error),
        (regression.root_mean_squared_error, metrics.root_mean_squared_error),
        (regression.r_squared, metrics.r2_score),
        (regression.root_mean_squared_log_error, metrics.root_mean_squared_log_error),
        (regression.mean_absolute_percentage_error, metrics.mean_absolute_percentage_error),
    ],
    ids=lambda one: one.__name__,
)
def test_figures_of_amounts_are_scikit_learns(ours, theirs, weight) -> None:
    assert ours(Y, TOLD, weight) == pytest.approx(theirs(Y, TOLD, sample_weight=weight), abs=TOLERANCE)


def test_amounts_that_have_no_figure() -> None:
    assert regression.r_squared([2, 2], [1, 3]) is None
    assert regression.root_mean_squared_log_error([-1, 2], [1, 2]) is None
    assert regression.mean_absolute_percentage_error([0, 2], [1, 2]) is None
    assert regression.mean_absolute_error([], []) is None


@pytest.mark.parametrize("weight", [None, CLASS_WEIGHT], ids=PLAIN_AND_WEIGHTED)
def test_figures_of_classes_are_scikit_learns(weight) -> None:
    chosen = multiclass.decided(CHANCES, CLASSES)
    for average in ("macro", "weighted"):
        area = metrics.roc_auc_score(NAMES, CHANCES, multi_class="ovr", average=average, labels=list(CLASSES), sample_weight=weight)
        assert multiclass.auroc(NAMES, CHANCES, CLASSES, weight, average=average) == pytest.approx(area, abs=TOLERANCE)
        f1 = metrics.f1_score(NAMES, chosen, average=average, labels=list(CLASSES), sample_weight=weight)
        found = multiclass.f1(multiclass.confusions(NAMES, chosen, CLASSES, weight), average=average)
        assert found == pytest.approx(f1, abs=TOLERANCE)
    loss = metrics.log_loss(NAMES, CHANCES, labels=list(CLASSES), sample_weight=weight)
    assert multiclass.log_loss(NAMES, CHANCES, CLASSES, weight) == pytest.approx(loss, abs=TOLERANCE)
    right = metrics.accuracy_score(NAMES, chosen, sample_weight=weight)
    assert multiclass.accuracy(NAMES, chosen, weight) == pytest.approx(right, abs=TOLERANCE)
    matrix = metrics.confusion_matrix(NAMES, chosen, labels=list(CLASSES), sample_weight=weight)
    ours = multiclass.matrix(NAMES, chosen, CLASSES, weight)
    assert [[ours[came][told] for told in CLASSES] for came in CLASSES] == matrix.tolist()


def test_a_class_that_never_came_leaves_no_average_area() -> None:
    kept = np.flatnonzero(CLASSES[0] != NAMES)
    areas = multiclass.class_auroc(NAMES[kept], CHANCES[kept], CLASSES)
    assert areas[CLASSES[0]] is None
    assert areas[CLASSES[1]] is not None
    assert multiclass.auroc(NAMES[kept], CHANCES[kept], CLASSES) is None
