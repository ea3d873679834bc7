"""Estimated performance: right where its assumption holds, its band as wide as it says, the same from every source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from streaming.contracts.statistics.sketches import merge_quantiles, quantile_sketch
from streaming.metrics.labelled_cells import LabelledCells, freeze_cells, merge_cells
from streaming.metrics.sketches import Histogram, merge
from streaming.truth.cells import FIGURES, cell_scores, figures
from streaming.truth.estimate import cells_of_histogram, cells_of_scores, cells_of_sketch, estimate, pooled, recalibrated

DECILES = [0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8]


def drawn(rows: int, seed: int, shape: tuple[float, float] = (1.0, 2.5)) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and outcomes drawn from them: calibration is perfect."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(*shape, rows)
    return scores, rng.random(rows) < scores


def measured(scores: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    """scikit-learn's figures."""
    served = scores > 0.5
    return {
        "auroc": roc_auc_score(positive, scores),
        "average_precision": average_precision_score(positive, scores),
        "log_loss": log_loss(positive, scores),
        "brier": brier_score_loss(positive, scores),
        "f1": f1_score(positive, served),
        "precision": precision_score(positive, served),
        "recall": recall_score(positive, served),
        "accuracy": accuracy_score(positive, served),
        "positive_share": float(positive.mean()),
    }


REFERENCE = freeze_cells(*drawn(40_000, 0), inner_edges=DECILES)


def test_figures_of_cells_are_scikit_learns_of_the_rows() -> None:
    scores, positive = drawn(5000, 1)
    cells = freeze_cells(scores, positive, cells=500)
    hits = np.array(cells.positives, dtype=float)
    found = figures(hits, np.array(cells.rows) - hits, cell_scores(cells))
    expected = measured(scores, positive)
    assert set(found) == set(expected) == set(FIGURES)
    for name in ("f1", "precision", "recall", "accuracy", "positive_share"):
        assert float(found[name]) == pytest.approx(expected[name], abs=1e-12), name
    assert float(found["brier"]) == pytest.approx(expected["brier"], abs=1e-4)
    assert float(found["log_loss"]) == pytest.approx(expected["log_loss"], abs=1e-3)
    assert float(found["auroc"]) == pytest.approx(expected["auroc"], abs=1e-4)
    assert float(found["average_precision"]) == pytest.approx(expected["average_precision"], abs=2e-3)


def test_with_perfect_calibration_the_estimate_is_what_scikit_learn_measures() -> None:
    for seed, shape in ((2, (1.0, 2.5)), (3, (2.0, 2.0)), (4, (0.6, 3.0))):
        scores, positive = drawn(60_000, seed, shape)
        found, truth = estimate(REFERENCE, cells_of_scores(REFERENCE, scores)), measured(scores, positive)
        for name in FIGURES:
            assert found[name].value == pytest.approx(truth[name], abs=0.025 if name == "average_precision" else 0.015), (name, shape)


@pytest.mark.slow
def test_the_band_holds_the_measured_figure_as_often_as_it_says() -> None:
    reference = freeze_cells(*drawn(5000, 5), inner_edges=DECILES)
    held = dict.fromkeys(FIGURES, 0)
    for seed in range(100):
        scores, positive = drawn(500, 1000 + seed)
        found, truth = estimate(reference, cells_of_scores(reference, scores), draws=100), measured(scores, positive)
        for name in FIGURES:
            held[name] += found[name].low <= truth[name] <= found[name].high
    # 95 % nominal; a right band of 100 windows falls below 0.86 once in 5,000. One reference for all of them adds its own error.
    assert {name: count / 100 for name, count in held.items() if count / 100 < 0.86} == {}
    assert min(held.values()) < 100, "a band that never misses is too wide"


def test_harder_windows_are_estimated_worse() -> None:
    easy, hard = (np.concatenate([part, 1 - part]) for part in (np.full(500, 0.05), np.full(500, 0.45)))
    good, bad = (estimate(REFERENCE, cells_of_scores(REFERENCE, scores)) for scores in (easy, hard))
    assert good["auroc"].low > bad["auroc"].high
    assert good["brier"].high < bad["brier"].low


def test_a_score_that_is_too_sure_is_recalibrated() -> None:
    scores, positive = drawn(40_000, 6)
    sure = scores**2 / (scores**2 + (1 - scores) ** 2)
    reference = freeze_cells(sure, positive)
    unseen, truth = drawn(20_000, 7)
    pushed = unseen**2 / (unseen**2 + (1 - unseen) ** 2)
    found = estimate(reference, cells_of_scores(reference, pushed))
    assert found["log_loss"].value == pytest.approx(log_loss(truth, pushed), abs=0.02)
    assert abs(found["accuracy"].value - accuracy_score(truth, pushed > 0.5)) < 0.01


def test_histogram_sketch_and_scores_tell_the_same() -> None:
    scores, _ = drawn(20_000, 8)
    places = np.searchsorted(DECILES, scores, side="left")
    histogram = Histogram(np.bincount(places, minlength=len(DECILES) + 1).tolist())
    exact = estimate(REFERENCE, cells_of_scores(REFERENCE, scores))
    halves = merge_quantiles([quantile_sketch(scores[:9000]), quantile_sketch(scores[9000:])])
    for cells in (cells_of_histogram(REFERENCE, DECILES, histogram), cells_of_sketch(REFERENCE, halves)):
        assert cells.sum() == pytest.approx(20_000)
        found = estimate(REFERENCE, cells)
        assert all(abs(found[name].value - exact[name].value) < 0.01 for name in FIGURES)


def test_histograms_add_up_before_they_are_estimated() -> None:
    parts = [Histogram([7, 3, 9, 4, 2, 6, 1, 8]), Histogram([1, 0, 3, 5, 8, 2, 2, 0])]
    apart = sum(cells_of_histogram(REFERENCE, DECILES, part) for part in parts)
    assert np.allclose(apart, cells_of_histogram(REFERENCE, DECILES, merge(parts)))


def test_cells_that_do_not_part_the_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="do not part"):
        cells_of_histogram(REFERENCE, [0.123], Histogram([1, 2]))
    with pytest.raises(ValueError, match="do not part"):
        cells_of_histogram(REFERENCE, DECILES, Histogram([1, 2]))


def test_an_empty_window_has_no_estimate_and_a_tiny_one_only_what_it_defines() -> None:
    assert estimate(REFERENCE, np.zeros(len(REFERENCE.rows))) == {}
    one = estimate(REFERENCE, cells_of_scores(REFERENCE, np.array([0.3])))
    assert "auroc" not in one
    assert one["positive_share"].value == pytest.approx(0.3, abs=0.05)


def test_a_reference_of_one_class_tells_nothing() -> None:
    with pytest.raises(ValueError, match="one class"):
        freeze_cells(np.array([0.1, 0.2]), np.array([True, True]))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 50)), min_size=1, max_size=40))
def test_pooling_is_scikit_learns_isotonic_regression(pairs: list[tuple[float, int]]) -> None:
    values, weights = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    assert np.allclose(pooled(values, weights), isotonic_regression(values, sample_weight=weights), atol=1e-9)


def references(seed: int) -> LabelledCells:
    """Labelled cells over the same edges."""
    scores, positive = drawn(300, seed)
    edges = np.array(REFERENCE.edges)
    places = np.searchsorted(edges, scores, side="left")
    size = len(edges) + 1
    sums = [
        np.bincount(places, weights=column, minlength=size).tolist() for column in (scores, scores**2, np.log(scores), np.log1p(-scores))
    ]
    rows, hits = np.bincount(places, minlength=size).tolist(), np.bincount(places[positive], minlength=size).tolist()
    return LabelledCells(REFERENCE.edges, rows, hits, *sums)


def test_references_merge_in_any_order_and_only_over_the_same_cells() -> None:
    a, b, c = (references(seed) for seed in range(3))
    left, right = merge_cells(merge_cells(a, b), c), merge_cells(a, merge_cells(c, b))
    assert (left.rows, left.positives, left.total) == (right.rows, right.positives, 900)
    assert np.allclose(left.log_sums, right.log_sums)
    with pytest.raises(ValueError, match="same cells"):
        merge_cells(a, freeze_cells(*drawn(300, 0)))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(30, 400))
def test_every_estimate_lies_in_its_band_and_in_its_range(seed: int, rows: int) -> None:
    scores, _ = drawn(rows, seed)
    found = estimate(REFERENCE, cells_of_scores(REFERENCE, scores), draws=50)
    for name, figure in found.items():
        assert figure.low <= figure.value <= figure.high
        assert figure.low >= 0
        assert figure.high <= (math.inf if name == "log_loss" else 1)
    assert np.all(np.diff(recalibrated(REFERENCE)) >= 0)


def test_the_same_window_gives_the_same_band() -> None:
    cells = cells_of_scores(REFERENCE, drawn(500, 9)[0])
    assert estimate(REFERENCE, cells) == estimate(REFERENCE, cells)
