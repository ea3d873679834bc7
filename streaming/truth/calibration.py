"""Calibration: do a hundred scores of 0.2 come true twenty times?"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streaming.truth.arrays import Floats, bools, floats, weights_of
from streaming.truth.interval import effective, wilson

BINS = 10


class Bin(Struct, frozen=True):
    """Rows whose score lies in (low, high], the first bin's low included."""

    low: float
    high: float
    rows: int
    mean_score: float
    observed: float
    """share of positives"""
    observed_low: float
    observed_high: float
    """Wilson's interval of it, by the rows' effective number"""
    weight: float


def calibration(labels: Any, scores: Any, weights: Any = None, *, bins: int = BINS) -> list[Bin]:
    """Mean score and share of positives in bins of equal width; bins without weight are left out.

    labels: 0 or 1; scores: probabilities of 1, shape (rows,).
    """
    truth = bools(labels)
    told, weight = floats(scores, len(truth)), weights_of(weights, len(truth))
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = _place(told, bins)
    return [_bin(edges[i], edges[i + 1], truth[m], told[m], weight[m]) for i in range(bins) if weight[m := place == i].sum() > 0]


def _bin(low: Any, high: Any, truth: Any, told: Any, weight: Any) -> Bin:
    total = float(weight.sum())
    observed = float(truth @ weight / total)
    ends = wilson(observed, effective(weight))
    return Bin(float(low), float(high), len(truth), float(told @ weight / total), observed, *ends, total)


def calibration_error(labels: Any, scores: Any, weights: Any = None, *, bins: int = BINS) -> float | None:
    """Expected calibration error: distance of mean score and share of positives, weighted by bin; None where nothing has weight.

    Arguments as `calibration` takes them. M. Naeini, G. Cooper, M. Hauskrecht 2015, AAAI. It depends on the bins: compare only
    figures of the same number of bins.
    """
    truth = bools(labels)
    told, weight = floats(scores, len(truth)), weights_of(weights, len(truth))
    apart = np.bincount(_place(told, bins), weights=weight * (truth - told), minlength=bins)
    total = float(weight.sum())
    return float(np.abs(apart).sum()) / total if total > 0 else None


def _place(told: Floats, bins: int) -> NDArray[np.intp]:
    """Number of the bin of each score."""
    return np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], told, side="left")
