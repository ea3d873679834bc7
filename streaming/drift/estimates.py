"""Estimated performance of a closed window of the drift job: from the score's histogram alone, before labels come."""

from __future__ import annotations

from streaming.drift.alert import identify
from streaming.drift.series import Key
from streaming.drift.window import Window
from streaming.metrics.estimate_records import Calibration, Estimate, Figure
from streaming.metrics.records import Reference
from streaming.truth.estimate import ASSUMPTION, LEVEL, cells_of_histogram, estimate

FIGURE_DIGITS = 6


def estimate_window(key: Key, reference: Reference, calibration: Calibration, window: Window) -> Estimate | None:
    """The estimate of a window, None where the calibration is of another model file or of other bins: a later one may come.

    The same records give the same bytes, id included.
    """
    parted = {*reference.score_bins.edges} <= {*calibration.cells.edges}
    if calibration.model_sha256 != window.shape.model_sha256 or not parted:
        return None
    figures = estimate(calibration.cells, cells_of_histogram(calibration.cells, reference.score_bins.edges, window.score))
    return Estimate(
        id=identify("estimate", *key, window.start, window.end, "confidence", "histogram"),
        at=window.at,
        **key._asdict(),
        window_start=window.start,
        window_end=window.end,
        events=window.events,
        method="confidence",
        source="histogram",
        assumption=ASSUMPTION,
        level=LEVEL,
        reference_rows=calibration.cells.total,
        figures={name: _rounded(figure) for name, figure in figures.items()},
    )


def _rounded(figure: Figure) -> Figure:
    return Figure(*(round(value, FIGURE_DIGITS) for value in (figure.value, figure.low, figure.high)))
