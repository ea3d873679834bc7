"""How far two distributions lie apart: L-infinity for categories, Jensen–Shannon divergence and PSI for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.contracts.statistics import sketches

BINS = 10
_FLOOR = 1e-4  # the share that PSI takes for an empty bin, as its inventors do: it would be infinite otherwise


def l_infinity(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[float, str]:
    """The largest difference of shares over all values, 0 to 1, and the value where it is ("" if both are empty).

    >>> l_infinity({"a": 3, "b": 1}, {"a": 1, "b": 1})
    (0.25, 'a')
    """
    total_before, total_now = sum(before.values()) or 1, sum(now.values()) or 1
    apart = {value: abs(before.get(value, 0) / total_before - now.get(value, 0) / total_now) for value in sorted({*before, *now})}
    worst = max(apart, key=lambda value: apart[value], default="")
    return apart.get(worst, 0.0), worst


def jensen_shannon(before: Sequence[float], now: Sequence[float]) -> float:
    """Jensen–Shannon divergence of two histograms over the same bins, in bits: 0 for the same shares, 1 for nothing in common.

    >>> jensen_shannon([5, 5], [1, 1]), jensen_shannon([1, 0], [0, 1])
    (0.0, 1.0)
    """
    p, q = _shares(before), _shares(now)
    middle = (p + q) / 2
    return float((_divergence(p, middle) + _divergence(q, middle)) / 2)


def psi(before: Sequence[float], now: Sequence[float]) -> float:
    """Population stability index of two histograms over the same bins, in nats; an empty bin counts as one in ten thousand.

    >>> psi([5, 5], [1, 1])
    0.0
    """
    p, q = np.maximum(_shares(before), _FLOOR), np.maximum(_shares(now), _FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def shared_bins(before: bytes, now: bytes) -> tuple[list[float], list[float]]:
    """Histograms of two quantile sketches over the deciles of the first; both must hold a number.

    What lies beyond the range of the first has bins of its own, and so has a number that makes up more than a tenth of it.
    """
    low, *deciles, high = sketches.quantiles(before, np.linspace(0, 1, BINS + 1).tolist())
    own = [low, *(edge for edge in set(deciles) if deciles.count(edge) > 1)]
    edges = sorted({*deciles, high, *(float(np.nextafter(edge, -np.inf)) for edge in own)})
    return sketches.counts_between(before, edges), sketches.counts_between(now, edges)


def _shares(counts: Sequence[float]) -> NDArray[np.float64]:
    found = np.asarray(counts, dtype=np.float64)
    return found / (found.sum() or 1)


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())
