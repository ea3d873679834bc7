"""Population stability index, and how large it gets by chance alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from streaming.metrics.sketches import Histogram

CHANCE_Z = 4.753  # one-sided 1e-6 of a normal: ~20 series, a window each hour, a false alarm in about five years


def psi(expected: Sequence[float], actual: Sequence[float], *, floor: float = 1e-4) -> float:
    """Population stability index of two histograms over the same frozen bins.

    expected, actual: counts per bin, shape (bins,), any non-negative totals above zero.
    floor: smallest share a bin may take, so that an empty bin stays finite.
    Returns nats; 0 is identical, 0.1 worth a look, 0.25 a shift (Siddiqi 2006, Credit Risk Scorecards).
    Raises ValueError if the two do not share their bins or one is empty: compare only what one reference binned.

    >>> psi([50, 50], [50, 50])
    0.0
    >>> round(psi([50, 50], [90, 10]), 3)
    0.879
    """
    if len(expected) != len(actual):
        raise ValueError(f"{len(expected)} bins expected, {len(actual)} found; compare histograms over the same frozen bins")
    shares = [_shares(counts, floor) for counts in (expected, actual)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def all_bins(histogram: Histogram) -> list[int]:
    """Counts of a histogram with missing and unseen values as two more bins, so that their shares can drift too.

    >>> all_bins(Histogram([1, 2], missing=3))
    [1, 2, 3, 0]
    """
    return [*histogram.counts, histogram.missing, histogram.unseen]


def chance_limit(expected: Sequence[float], actual: Sequence[float], *, z: float = CHANCE_Z) -> float:
    """The PSI that two samples of one population exceed with a probability of about 1e-6 (at the default z), in nats.

    Without a shift PSI is distributed as (1/N + 1/M) times a chi-square with B - 1 degrees of freedom, N and M the
    totals and B the bins (Yurdakul & Naranjo 2020, Journal of Risk Model Validation 14(4)); its quantile is taken by
    Wilson and Hilferty's cube. B counts the bins that either sample has values in.
    Raises ValueError if one is empty.

    >>> round(chance_limit([500] * 10, [50] * 10), 3)
    0.101
    >>> round(chance_limit([500] * 10, [5] * 10), 3)
    0.929
    """
    totals = sum(expected), sum(actual)
    if min(totals) <= 0:
        raise ValueError("a histogram without values; compare windows that hold events")
    freedom = sum(1 for pair in zip(expected, actual, strict=True) if any(pair)) - 1
    if freedom < 1:
        return 0.0
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + z * math.sqrt(spread)) ** 3
    return quantile * (1 / totals[0] + 1 / totals[1])


def _shares(counts: Sequence[float], floor: float) -> np.ndarray:
    total = sum(counts)
    if total <= 0:
        raise ValueError("a histogram without values; compare windows that hold events")
    return np.maximum(np.asarray(counts, dtype=np.float64) / total, floor)
