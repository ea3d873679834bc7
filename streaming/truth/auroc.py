"""Area under the ROC curve, with DeLong's interval."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from streaming.truth.arrays import Floats, bools, floats
from streaming.truth.curve import Curve, curve


def auroc(labels: Any, scores: Any, weights: Any = None) -> float | None:
    """Chance that a positive scores above a negative, ties counted half; None unless both classes are there.

    labels: 0 or 1, shape (rows,). scores: any finite numbers. weights: of rows, 0 or more.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return of_curve(curve(labels, scores, weights))


def of_curve(of: Curve) -> float | None:
    """The area under a curve that is there already."""
    if not of.has_both:
        return None
    true, false = (np.concatenate(([0.0], side / side[-1])) for side in (of.positives, of.negatives))
    return float(np.trapezoid(true, false))


def auroc_interval(labels: Any, scores: Any, *, level: float = 0.95) -> tuple[float, float] | None:
    """DeLong's interval of the area, on the logit scale so that it stays within 0 and 1; without weights.

    None where the variance cannot be told: fewer than two of a class, or classes that do not overlap at all.
    E. DeLong, D. DeLong, D. Clarke-Pearson 1988, Biometrics 44; by midranks after X. Sun, W. Xu 2014, IEEE SPL 21; logit as M. Pepe
    2003, The Statistical Evaluation of Medical Tests, 5.2.
    """
    truth = bools(labels)
    values = floats(scores, len(truth))
    positive, negative = values[truth], values[~truth]
    if min(len(positive), len(negative)) < 2:
        return None
    variance, area = _delong(positive, negative)
    if variance <= 0 or not 0 < area < 1:
        return None
    half = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance) / (area * (1 - area))
    centre = np.log(area / (1 - area))
    low, high = (float(1 / (1 + np.exp(-end))) for end in (centre - half, centre + half))
    return low, high


def _delong(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Variance and area."""
    m, n = len(positive), len(negative)
    together = _midranks(np.concatenate([positive, negative]))
    above = (together[:m] - _midranks(positive)) / n
    below = 1 - (together[m:] - _midranks(negative)) / m
    return float(above.var(ddof=1) / m + below.var(ddof=1) / n), float(above.mean())


def _midranks(values: Floats) -> Floats:
    """Rank of each value, from 1; ties share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]
