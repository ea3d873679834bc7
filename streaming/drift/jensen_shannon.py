"""Jensen–Shannon divergence of two histograms."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.contracts.statistics import distance


def jensen_shannon(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Jensen–Shannon divergence of two histograms over the same bins, in bits: 0 the same shares, 1 nothing in common.

    It is the square of scipy's `jensenshannon(…, base=2)` (Lin 1991, IEEE Transactions on Information Theory 37(1)), and
    what `scoring data` calls so.

    >>> jensen_shannon([5, 5], [1, 1]), jensen_shannon([1, 0], [0, 1])
    (0.0, 1.0)
    """
    return max(0.0, distance.jensen_shannon(expected, actual))
