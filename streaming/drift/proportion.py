"""Two shares: missing values, and values that training did not know."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from streaming.drift.chi_squared import chi_squared
from streaming.drift.sample import Found
from streaming.metrics.sketches import Histogram

_FEW = 5  # expected counts below it: Pearson's chi-squared is no good (Cochran 1954), Fisher's test is exact


def missing_share(expected: Histogram, actual: Histogram) -> Found:
    """By how much the share of missing values moved, 0 to 1, up or down, and the p-value of its being the same.

    >>> round(missing_share(Histogram([99], missing=1), Histogram([80], missing=20)).value, 2)
    0.19
    """
    return _moved(expected.missing, expected.total, actual.missing, actual.total)


def unseen_share(expected: Histogram, actual: Histogram) -> Found:
    """By how much the share of categories that training did not know moved, likewise.

    >>> unseen_share(Histogram([100]), Histogram([90], unseen=10)).value
    0.1
    """
    return _moved(expected.unseen, expected.total, actual.unseen, actual.total)


def _moved(before: int, n: int, now: int, m: int) -> Found:
    value = abs(now / m - before / n)
    hits = before + now
    if hits in (0, n + m):
        return Found(value, 1.0)
    if min(hits, n + m - hits) * min(n, m) / (n + m) < _FEW:
        return Found(value, fisher(now, m, hits, n + m))
    return Found(value, chi_squared([before, n - before], [now, m - now]).p_value)


def fisher(found: int, drawn: int, hits: int, total: int) -> float:
    """Two-sided p-value of Fisher's exact test: `found` hits among `drawn` of `total`, of which `hits` are hits.

    The chance of all tables that are no likelier than the one found (Fisher 1935, The Design of Experiments).

    >>> round(fisher(3, 4, 4, 8), 4)
    0.4857
    """
    counts = np.arange(max(0, drawn + hits - total), min(drawn, hits) + 1)

    def choices(of: int, taken: np.ndarray) -> np.ndarray:
        return np.asarray(gammaln(of + 1) - gammaln(taken + 1) - gammaln(of - taken + 1))

    logs = choices(hits, counts) + choices(total - hits, drawn - counts)
    chances = np.exp(logs - logs.max())
    # Equal chances may differ in their last bits; the tolerance is that of R's fisher.test.
    no_likelier = chances <= chances[found - counts[0]] * (1 + 1e-7)
    return float(chances[no_likelier].sum() / chances.sum())
