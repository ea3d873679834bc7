"""Estimated figures of rows at hand, such as a span of the scoring log, beside the measured ones where there are labels."""

from __future__ import annotations

import numpy as np

from streaming.errors import ModelError
from streaming.metrics.estimate_records import Figure, Measured
from streaming.metrics.labelled_cells import Array
from streaming.models.artifact import Manifest
from streaming.truth.cells import CellScores, figures
from streaming.truth.estimate import cells_of_scores, estimate


def estimate_rows(manifest: Manifest, scores: Array, positive: np.ndarray | None = None) -> dict[str, tuple[Figure, Measured | None]]:
    """Estimate by figure from exact scores, shape (rows,); with outcomes, bool of that shape, what they measure too.

    Raises ModelError if the model was registered without its calibration: train and register it again.
    """
    cells = manifest.calibration
    if cells is None:
        raise ModelError(f"model {manifest.name}: its manifest holds no calibration; train it again by `scoring train`")
    truth = measure(scores, positive, threshold=cells.threshold) if positive is not None else {}
    found = estimate(cells, cells_of_scores(cells, scores))
    return {name: (figure, _held(figure, truth[name]) if name in truth else None) for name, figure in found.items()}


def measure(scores: Array, positive: np.ndarray, *, threshold: float) -> dict[str, float]:
    """The figures of labelled rows: each distinct score is a cell of its own, so that they are exact; NaN ones are left out."""
    values, place = np.unique(scores, return_inverse=True)
    hits = np.bincount(place, weights=positive, minlength=len(values)).astype(np.float64)
    clipped = np.clip(values, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
    exact = CellScores(values, values**2, np.log(clipped), np.log1p(-clipped), values > threshold)
    found = figures(hits, np.bincount(place, minlength=len(values)) - hits, exact)
    return {name: float(value) for name, value in found.items() if not np.isnan(value)}


def _held(figure: Figure, value: float) -> Measured:
    return Measured(value, figure.value - value, figure.low <= value <= figure.high)
