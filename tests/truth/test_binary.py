"""Figures of a decision between two classes against scikit-learn and scipy on the same held-out customers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from telco_scores import churn

from streaming.truth.arrays import MismatchedRows
from streaming.truth.auroc import auroc, auroc_interval
from streaming.truth.average_precision import average_precision
from streaming.truth.brier import brier
from streaming.truth.business_value import Values, business_value
from streaming.truth.calibration import calibration, calibration_error
from streaming.truth.confusion import confusion
from streaming.truth.log_loss import log_loss
from streaming.truth.top_k import top_k

TOLERANCE = 1e-12
Y, SCORE, WEIGHT, _ = churn()
WEIGHTS = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])


@WEIGHTS
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (auroc, metrics.roc_auc_score),
        (average_precision, metrics.average_precision_score),
        (log_loss, metrics.log_loss),
        (brier, metrics.brier_score_loss),
    ],
    ids=lambda one: one.__name__,
)
def test_figures_of_scores_are_scikit_learns(ours, theirs, weight) -> None:
    assert ours(Y, SCORE, weight) == pytest.approx(theirs(Y, SCORE, sample_weight=weight), abs=TOLERANCE)


@WEIGHTS
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.7])
def test_figures_of_decisions_are_scikit_learns(threshold: float, weight) -> None:
    chosen = threshold <= SCORE
    ours = confusion(Y, chosen, weight)
    theirs = metrics.confusion_matrix(Y, chosen, sample_weight=weight)
    assert [[ours.true_negatives, ours.false_positives], [ours.false_negatives, ours.true_positives]] == theirs.tolist()
    shares = {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
        "accuracy": metrics.accuracy_score,
    }
    for name, share in shares.items():
        assert getattr(ours, name) == pytest.approx(share(Y, chosen, sample_weight=weight), abs=TOLERANCE), name
    assert ours.false_positive_rate == pytest.approx(1 - metrics.recall_score(Y, chosen, pos_label=0, sample_weight=weight), abs=TOLERANCE)


def test_calibration_is_that_of_the_same_bins() -> None:
    from sklearn.calibration import calibration_curve

    observed, told = calibration_curve(Y, SCORE, n_bins=10)
    found = calibration(Y, SCORE)
    assert [one.observed for one in found] == pytest.approx(observed.tolist())
    assert [one.mean_score for one in found] == pytest.approx(told.tolist())
    gap = sum(abs(o - t) * one.rows for o, t, one in zip(observed, told, found, strict=True)) / len(Y)
    assert calibration_error(Y, SCORE) == pytest.approx(gap)
    assert calibration_error([], []) is None
    assert sum(one.rows for one in found) == len(Y)
    assert all(one.observed_low <= one.observed <= one.observed_high for one in found)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_the_riskiest_share_where_no_score_is_tied(share: float) -> None:
    scores = SCORE + np.linspace(0, 1e-4, len(SCORE))
    count = int(share * len(Y))
    best = np.argsort(-scores)[:count]
    found = top_k(Y, scores, count / len(Y))
    assert found.precision == pytest.approx(Y[best].mean())
    assert found.recall == pytest.approx(Y[best].sum() / Y.sum())
    assert found.lift == pytest.approx(Y[best].mean() / Y.mean())


def test_ties_at_the_border_count_as_the_mean_of_their_orders() -> None:
    # Of four that share a score two are taken; one in four is positive.
    assert top_k([1, 0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5, 0.9], 0.6) == (pytest.approx(1.5 / 3), pytest.approx(0.75), pytest.approx(1.25))


def test_delongs_interval_is_that_of_a_bootstrap_on_the_same_rows() -> None:
    from scipy.stats import bootstrap

    ends = auroc_interval(Y, SCORE)
    assert ends is not None

    def area(y, score, axis=-1):
        return metrics.roc_auc_score(y, score)

    drawn = bootstrap((Y, SCORE), area, paired=True, vectorized=False, n_resamples=300, method="percentile", random_state=1)
    assert ends == pytest.approx((drawn.confidence_interval.low, drawn.confidence_interval.high), abs=0.004)


def test_delongs_variance_by_hand() -> None:
    """Against the definition: variances of the placements of each class (DeLong 1988, eq. 4 to 6)."""
    y, score = Y[:200], SCORE[:200]
    positive, negative = score[y == 1], score[y == 0]
    placed = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = placed.mean(axis=1).var(ddof=1) / len(positive) + placed.mean(axis=0).var(ddof=1) / len(negative)
    low, high = auroc_interval(y, score)
    centre = placed.mean()
    half = 1.959963984540054 * np.sqrt(variance) / (centre * (1 - centre))
    assert (np.log(low / (1 - low)), np.log(high / (1 - high))) == pytest.approx(
        (np.log(centre / (1 - centre)) - half, np.log(centre / (1 - centre)) + half)
    )


def test_one_class_alone_has_no_area_and_no_interval() -> None:
    for labels in ([1, 1], [0, 0], []):
        scores = [0.5, 0.7][: len(labels)]
        assert auroc(labels, scores) is None
        assert auroc_interval(labels, scores) is None
    assert average_precision([0, 0], [0.1, 0.2]) is None
    assert average_precision([1, 1], [0.1, 0.2]) == 1.0
    assert (log_loss([], []), brier([], [])) == (None, None)
    assert top_k([0, 0], [0.1, 0.2], 0.5) == (0.0, None, None)
    assert top_k([], [], 0.5) == (None, None, None)


def test_classes_that_do_not_overlap_have_an_area_and_no_delong_interval() -> None:
    assert (auroc([0, 0, 1, 1], [1, 2, 3, 4]), auroc_interval([0, 0, 1, 1], [1, 2, 3, 4])) == (1.0, None)


def test_rows_without_weight_count_for_nothing() -> None:
    weight = np.where(np.arange(len(Y)) % 2 == 0, 1.0, 0.0)
    assert auroc(Y, SCORE, weight) == pytest.approx(auroc(Y[::2], SCORE[::2]))
    assert average_precision(Y, SCORE, weight) == pytest.approx(average_precision(Y[::2], SCORE[::2]))
    assert auroc(Y, SCORE, np.zeros(len(Y))) is None


def test_business_value_adds_up() -> None:
    decided = confusion(Y, SCORE >= 0.5)
    values = Values(true_positive=80.0, false_positive=-10.0, false_negative=-200.0, true_negative=0.5)
    by_hand = sum(
        {(1, True): 80.0, (0, True): -10.0, (1, False): -200.0, (0, False): 0.5}[int(y), bool(s >= 0.5)]
        for y, s in zip(Y, SCORE, strict=True)
    )
    assert business_value(decided, values) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("labels", "scores", "weights", "message"),
    [
        ([0, 2], [0.1, 0.2], None, "neither 0 nor 1"),
        ([0, 1], [0.1], None, "expected one number for each of 2 rows"),
        ([0, 1], [0.1, float("nan")], None, "not finite"),
        ([0, 1], [0.1, 0.2], [1, -1], "negative"),
    ],
)
def test_what_is_no_row_is_refused(labels, scores, weights, message: str) -> None:
    with pytest.raises(MismatchedRows, match=message):
        auroc(labels, scores, weights)
