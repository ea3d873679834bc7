"""How far two distributions lie apart: L-infinity for categories, Jensen–Shannon divergence and PSI for numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.contracts.statistics import sketches

BINS = 10
_FLOOR = 1e-4  # the share that PSI takes for an empty bin, as its inventors do: it would be infinite otherwise

# One-sided 1e-6 of a normal: of 100 fields that are compared every hour, one alarms by chance about once a year; of 20 series, in five.
CHANCE_Z = 4.753


def l_infinity(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[float, str]:
    """The largest difference of shares over all values, 0 to 1, and the value where it is ("" if both are empty).

    >>> l_infinity({"a": 3, "b": 1}, {"a": 1, "b": 1})
    (0.25, 'a')
    """
    total_before, total_now = sum(before.values()) or 1, sum(now.values()) or 1
    apart = {value: abs(before.get(value, 0) / total_before - now.get(value, 0) / total_now) for value in sorted({*before, *now})}
    worst = max(apart, key=lambda value: apart[value], default="")
    return apart.get(worst, 0.0), worst


def l_infinity_by_chance(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """The L-infinity distance that two samples of one population hardly ever exceed (z = 4.753, 1e-6 for each value).

    The difference of a share p in samples of n and m is about normal, with variance p (1 - p) (1/n + 1/m).

    >>> round(l_infinity_by_chance({"a": 25, "b": 25}, {"a": 25, "b": 25}), 3)
    0.475
    """
    n, m = sum(before.values()), sum(now.values())
    if not n or not m:
        return 0.0
    shares = np.array([(before.get(value, 0) + now.get(value, 0)) / (n + m) for value in {*before, *now}])
    return float(CHANCE_Z * np.sqrt((shares * (1 - shares)).max() * (1 / n + 1 / m)))


def share_by_chance(before: float, now: float, rows_before: int, rows_now: int) -> float:
    """As `l_infinity_by_chance`, of one share of rows (0 to 1).

    >>> round(share_by_chance(0.5, 0.5, 50, 50), 3)
    0.475
    """
    counts = {"": before * rows_before, "other": (1 - before) * rows_before}, {"": now * rows_now, "other": (1 - now) * rows_now}
    return l_infinity_by_chance(*counts)


def jensen_shannon(before: Sequence[float], now: Sequence[float]) -> float:
    """Jensen–Shannon divergence of two histograms over the same bins, in bits: 0 for the same shares, 1 for nothing in common.

    >>> jensen_shannon([5, 5], [1, 1]), jensen_shannon([1, 0], [0, 1])
    (0.0, 1.0)
    """
    p, q = _shares(before), _shares(now)
    middle = (p + q) / 2
    return float((_divergence(p, middle) + _divergence(q, middle)) / 2)


def psi(before: Sequence[float], now: Sequence[float], *, floor: float | None = None) -> float:
    """Population stability index of two histograms over the same bins, in nats.

    floor: the share that a bin has at least. Without one it is one in ten thousand, or half a value of the smaller sample if that is
    more: else one value less in a sample of fifty would be a shift.

    >>> psi([5, 5], [1, 1])
    0.0
    """
    floor = _floor(before, now) if floor is None else floor
    p, q = np.maximum(_shares(before), floor), np.maximum(_shares(now), floor)
    return float(((q - p) * np.log(q / p)).sum())


def largest_psi(before: Sequence[float], now: Sequence[float]) -> float:
    """About the PSI of two samples of these sizes that have no bin in common, in nats.

    >>> round(largest_psi([50, 50], [40, 60]), 1)
    10.6
    """
    return -2 * math.log(_floor(before, now))


def _floor(before: Sequence[float], now: Sequence[float]) -> float:
    return max(_FLOOR, 0.5 / max(1.0, min(sum(before), sum(now))))


def jensen_shannon_by_chance(before: Sequence[float], now: Sequence[float]) -> float:
    """The Jensen–Shannon divergence that two samples of one population exceed with a probability of about 1e-6, in bits.

    To second order it is chi2 (1/n + 1/m) / (8 ln 2), with chi2 Pearson's statistic of two samples (Lin 1991, IEEE Transactions
    on Information Theory 37(1); Endres & Schindelin 2003, 49(7)).

    >>> round(jensen_shannon_by_chance([5] * 10, [5] * 10), 2)
    0.33
    """
    return psi_by_chance(before, now) / (8 * math.log(2))


def psi_by_chance(before: Sequence[float], now: Sequence[float], *, z: float = CHANCE_Z) -> float:
    """The PSI that two samples of one population exceed with a probability of about 1e-6 (at the default z), in nats.

    It is distributed as (1/n + 1/m) times a chi-square with one degree of freedom less than there are bins with a value (Yurdakul
    & Naranjo 2020, Journal of Risk Model Validation 14(4)); its quantile is taken by Wilson and Hilferty's cube.

    >>> round(psi_by_chance([500] * 10, [50] * 10), 3)
    0.101
    """
    n, m, freedom = sum(before), sum(now), sum(1 for pair in zip(before, now, strict=True) if any(pair)) - 1
    if freedom < 1 or not n or not m:
        return 0.0
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + z * math.sqrt(spread)) ** 3 * (1 / n + 1 / m))


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
