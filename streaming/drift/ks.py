"""Kolmogorov–Smirnov: the largest distance of two distribution functions, read from KLL sketches."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import kolmogorov

from streaming.drift.sample import Found
from streaming.metrics.kll import Points, rank


def ks(before: Points, now: Points) -> Found:
    """Kolmogorov–Smirnov distance of two samples, 0 to 1, and the p-value of their having one distribution.

    error: the sum of both sketches' rank errors (99 % confidence). The p-value is that of the distance less this error, so that a
    sketch's error is never told as a shift; it is Kolmogorov's limit with Stephens' correction for small samples (Stephens 1970,
    Journal of the Royal Statistical Society B 32(1)). With many equal values it is too large, never too small.

    >>> from streaming.metrics.kll import points, sketch
    >>> ks(points(sketch(np.arange(0.0, 100))), points(sketch(np.arange(50.0, 150)))).value
    0.5
    """
    distance = float(np.abs(rank(before, before.values) - rank(now, before.values)).max())
    distance = max(distance, float(np.abs(rank(before, now.values) - rank(now, now.values)).max()))
    error = before.error + now.error
    root = math.sqrt(before.n * now.n / (before.n + now.n))
    sure = max(0.0, distance - error)
    return Found(distance, float(kolmogorov((root + 0.12 + 0.11 / root) * sure)), error)
