"""Figures of a binary classifier from positives and negatives by cell of the score: expected ones, drawn ones, measured ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streaming.metrics.labelled_cells import Array, LabelledCells

FIGURES = ("auroc", "average_precision", "log_loss", "brier", "f1", "precision", "recall", "accuracy", "positive_share")


class CellScores(NamedTuple):
    """Means of the served scores in each cell, all of shape (cells,): of s, s², ln s and ln(1 - s); `above` the threshold."""

    mean: Array
    square: Array
    log: Array
    log_rest: Array
    above: np.ndarray


def cell_scores(reference: LabelledCells) -> CellScores:
    """The means of a reference; a cell that it left empty takes the middle of its edges."""
    edges = np.asarray(reference.edges)
    rows = np.asarray(reference.rows, dtype=np.float64)
    bounds = np.concatenate([[0.0], np.clip(edges, 0, 1), [1.0]])
    middle = np.clip((bounds[:-1] + bounds[1:]) / 2, 1e-12, 1 - 1e-12)

    def mean(sums: list[float], otherwise: Array) -> Array:
        return np.where(rows > 0, np.asarray(sums) / np.maximum(rows, 1), otherwise)

    above = np.arange(len(rows)) > int(np.searchsorted(edges, reference.threshold, side="left"))
    return CellScores(
        mean(reference.score_sums, middle),
        mean(reference.score_squares, middle**2),
        mean(reference.log_sums, np.log(middle)),
        mean(reference.log_rest_sums, np.log1p(-middle)),
        above,
    )


def figures(positives: Array, negatives: Array, scores: CellScores, *, self_pairs: float = 0.0) -> dict[str, Array]:
    """FIGURES of counts by cell; positives and negatives of shape (..., cells), the figures of shape (...). NaN: not defined.

    The counts may be fractions: then they are expectations, and a figure is the ratio of expectations. self_pairs: the sum of
    p (1 - p) over the rows then, which takes out that a row of two expected halves is paired with itself.
    Ranking inside a cell counts as chance does: half right.
    """
    positive, negative = positives.sum(axis=-1), negatives.sum(axis=-1)
    hit = (positives * scores.above).sum(axis=-1)
    false_alarm = (negatives * scores.above).sum(axis=-1)
    total = positive + negative
    precision = _ratio(hit, hit + false_alarm)
    recall = _ratio(hit, positive)
    log_loss = -(positives * scores.log + negatives * scores.log_rest).sum(axis=-1)
    brier = (positives * (1 - 2 * scores.mean) + (positives + negatives) * scores.square).sum(axis=-1)
    return {
        "auroc": _auroc(positives, negatives, self_pairs),
        "average_precision": _average_precision(positives, negatives),
        "log_loss": _ratio(log_loss, total),
        "brier": _ratio(brier, total),
        "f1": _ratio(2 * hit, hit + false_alarm + positive),
        "precision": precision,
        "recall": recall,
        "accuracy": _ratio(hit + negative - false_alarm, total),
        "positive_share": _ratio(positive, total),
    }


def _auroc(positives: Array, negatives: Array, self_pairs: float) -> Array:
    below = np.cumsum(negatives, axis=-1) - negatives
    right = (positives * (below + negatives / 2)).sum(axis=-1) - self_pairs / 2
    return _ratio(right, positives.sum(axis=-1) * negatives.sum(axis=-1) - self_pairs)


def _average_precision(positives: Array, negatives: Array) -> Array:
    """Mean over the positives of the precision at their rank, rows of a cell in random order.

    With T positives among K rows above a cell of y positives among k rows, the precision on the way through it is
    (T + y t) / (K + k t), t from 0 to 1; its mean is y/k + (T - K y/k) ln((K + k)/K) / k.
    """
    y = positives[..., ::-1]
    k = y + negatives[..., ::-1]
    t_above = np.cumsum(y, axis=-1) - y
    k_above = np.cumsum(k, axis=-1) - k
    share = _ratio(y, k, otherwise=0.0)
    steps = np.log1p(_ratio(k, k_above, otherwise=0.0))
    passing = share + _ratio((t_above - k_above * share) * steps, k, otherwise=0.0)
    return _ratio((y * np.where(k_above > 0, passing, share)).sum(axis=-1), positives.sum(axis=-1))


def _ratio(above: Array, below: Array, otherwise: float = np.nan) -> Array:
    found: Array = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), otherwise)
    np.divide(above, below, out=found, where=np.asarray(below) > 0)
    return found
