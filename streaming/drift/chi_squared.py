"""Pearson's chi-squared of two histograms: a test that the shares are the same, and an effect that does not grow with n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

from streaming.drift.sample import Found


def chi_squared(expected: Sequence[float], actual: Sequence[float]) -> Found:
    """Cohen's effect size w of two histograms over the same bins, and the p-value of Pearson's test that they have one distribution.

    w is the root of chi-squared times (1/n + 1/m): 0.1 small, 0.3 medium, 0.5 large (Cohen 1988, Statistical Power Analysis,
    chapter 7); chi-squared itself grows with the events. Bins that nobody is in are left out.

    >>> found = chi_squared([500, 500], [90, 10])
    >>> round(found.value, 3), found.p_value < 1e-12
    (0.802, True)
    """
    table = np.asarray([expected, actual], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    sizes = table.sum(axis=1)
    awaited = np.outer(sizes, table.sum(axis=0)) / sizes.sum()
    statistic = float(((table - awaited) ** 2 / awaited).sum())
    return Found(float(np.sqrt(statistic * (1 / sizes).sum())), float(chdtrc(table.shape[1] - 1, statistic)) if table.shape[1] > 1 else 1.0)
