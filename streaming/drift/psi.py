"""Population stability index, and how large it gets by chance alone."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.contracts.statistics import distance
from streaming.metrics.sketches import Histogram

FLOOR = 1e-4  # fixed, whatever the window's size: alerts tell this PSI, and what is small by chance the limit takes out again


def psi(expected: Sequence[float], actual: Sequence[float], *, floor: float = FLOOR) -> float:
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
    _check_values(expected, actual)
    return distance.psi(expected, actual, floor=floor)


def all_bins(histogram: Histogram) -> list[int]:
    """Counts of a histogram with missing and unseen values as two more bins, so that their shares can drift too.

    >>> all_bins(Histogram([1, 2], missing=3))
    [1, 2, 3, 0]
    """
    return [*histogram.counts, histogram.missing, histogram.unseen]


def chance_limit(expected: Sequence[float], actual: Sequence[float], *, z: float = distance.CHANCE_Z) -> float:
    """The PSI that two samples of one population exceed with a probability of about 1e-6 (at the default z), in nats.

    See `distance.psi_by_chance`, whose figure it is.
    Raises ValueError if one is empty.

    >>> round(chance_limit([500] * 10, [50] * 10), 3)
    0.101
    >>> round(chance_limit([500] * 10, [5] * 10), 3)
    0.929
    """
    _check_values(expected, actual)
    return distance.psi_by_chance(expected, actual, z=z)


def _check_values(expected: Sequence[float], actual: Sequence[float]) -> None:
    if min(sum(expected), sum(actual)) <= 0:
        raise ValueError("a histogram without values; compare windows that hold events")
