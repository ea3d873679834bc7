"""A labelled reference by cells of the score: what says how often a score of 0.7 is right, in a form that adds up.

A cell holds edges[i-1] < score <= edges[i], as bins do. Cells of two references over the same edges merge by addition.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

CELLS = 64  # of about equal size: 100 rows each in a reference of 6,400, and a record of 7 kB
THRESHOLD = 0.5  # what `score` takes for the predicted class

Array = NDArray[np.float64]


class LabelledCells(msgspec.Struct, frozen=True):
    """Rows, positives and sums of scores by cell, each of shape (len(edges) + 1,). `threshold` is one of the edges.

    The scores are those of a model for rows it was not fitted on, the positives the rows whose outcome is the positive class.
    """

    edges: list[float]
    rows: list[int]
    positives: list[int]
    score_sums: list[float]
    score_squares: list[float]
    log_sums: list[float]
    """of ln(score)"""
    log_rest_sums: list[float]
    """of ln(1 - score)"""
    threshold: float = THRESHOLD

    @property
    def total(self) -> int:
        """Rows in all."""
        return sum(self.rows)


def freeze_cells(
    scores: Array, positive: NDArray[np.bool_], *, inner_edges: Sequence[float] = (), threshold: float = THRESHOLD, cells: int = CELLS
) -> LabelledCells:
    """Cells of about equal size, and what a labelled reference holds in them.

    scores: float64 in [0, 1], shape (rows,); positive: bool, shape (rows,). inner_edges: of the score's frozen bins, which become
    edges too, so that a histogram over those bins can be told apart into cells.
    Raises ValueError where one class is missing: nothing can be told of a model from it.
    """
    if not 0 < int(positive.sum()) < len(positive):
        raise ValueError("a reference with one class only; calibrate on rows of both classes")
    quantiles = np.quantile(scores, np.arange(1, cells) / cells, method="inverted_cdf")
    edges = np.unique(np.concatenate([quantiles, np.asarray(inner_edges, dtype=np.float64), [threshold]]))
    places = np.searchsorted(edges, scores, side="left")

    def sums(values: Array) -> list[float]:
        return [float(found) for found in np.bincount(places, weights=values, minlength=len(edges) + 1)]

    clipped = np.clip(scores, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)  # as scikit-learn's log_loss does
    return LabelledCells(
        edges=edges.tolist(),
        rows=np.bincount(places, minlength=len(edges) + 1).tolist(),
        positives=np.bincount(places[positive], minlength=len(edges) + 1).tolist(),
        score_sums=sums(scores),
        score_squares=sums(scores**2),
        log_sums=sums(np.log(clipped)),
        log_rest_sums=sums(np.log1p(-clipped)),
        threshold=threshold,
    )


def merge_cells(first: LabelledCells, second: LabelledCells) -> LabelledCells:
    """Sum of two references over the same cells; order does not matter. Raises ValueError if their cells differ."""
    if (first.edges, first.threshold) != (second.edges, second.threshold):
        raise ValueError("labelled cells merge only over the same cells")

    def added(left: Sequence[float], right: Sequence[float]) -> list[float]:
        return [a + b for a, b in zip(left, right, strict=True)]

    return LabelledCells(
        edges=first.edges,
        rows=[a + b for a, b in zip(first.rows, second.rows, strict=True)],
        positives=[a + b for a, b in zip(first.positives, second.positives, strict=True)],
        score_sums=added(first.score_sums, second.score_sums),
        score_squares=added(first.score_squares, second.score_squares),
        log_sums=added(first.log_sums, second.log_sums),
        log_rest_sums=added(first.log_rest_sums, second.log_rest_sums),
        threshold=first.threshold,
    )


def fault_of_cells(cells: LabelledCells) -> str | None:
    """What is wrong with labelled cells that came from elsewhere, in one line; None if figures can be estimated from them."""
    columns = (cells.rows, cells.positives, cells.score_sums, cells.score_squares, cells.log_sums, cells.log_rest_sums)
    if any(len(column) != len(cells.edges) + 1 for column in columns):
        return f"cells of {', '.join(str(len(column)) for column in columns)} values; expected {len(cells.edges) + 1} in each"
    if any(b <= a for a, b in pairwise(cells.edges)) or cells.threshold not in cells.edges:
        return "the edges of the cells do not ascend, or the threshold is none of them"
    if not all(0 <= found <= rows <= 2**53 for found, rows in zip(cells.positives, cells.rows, strict=True)):
        return "cells with more positives than rows, or less than none"
    if not 0 < sum(cells.positives) < cells.total:
        return "cells with one class only"
    return None
