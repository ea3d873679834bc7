"""Hellinger's distance of two histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def hellinger(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Hellinger's distance of two histograms over the same bins: 0 the same shares, 1 nothing in common.

    The length of the difference of the shares' square roots, over the square root of 2 (Hellinger 1909, Journal für die reine und
    angewandte Mathematik 136). An empty bin needs no floor.

    >>> hellinger([5, 5], [1, 1]), hellinger([1, 0], [0, 1])
    (0.0, 1.0)
    """
    before, now = (np.asarray(counts, dtype=np.float64) for counts in (expected, actual))
    apart = np.sqrt(before / before.sum()) - np.sqrt(now / now.sum())
    return float(np.sqrt((apart**2).sum() / 2))
