"""How sure a figure is: Wilson for shares, bootstrap for the rest; Newcombe and Katz for two shares beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np

from streaming.truth.arrays import Floats

LEVEL = 0.95
ROUNDS = 200
SEED = 7
Ends = tuple[float, float]


def wilson(share: float, rows: float, *, level: float = LEVEL) -> Ends:
    """Interval of a share of `rows` (effective rows, where they weigh), E. Wilson 1927, JASA 22.

    >>> tuple(round(end, 4) for end in wilson(0.1, 50))
    (0.0435, 0.2136)
    """
    if rows <= 0:
        return 0.0, 1.0
    z = _z(level)
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(first: float, first_rows: float, second: float, second_rows: float, *, level: float = LEVEL) -> Ends:
    """Interval of first - second, two shares of other rows: R. Newcombe 1998, Statistics in Medicine 17, method 10."""
    (low1, high1), (low2, high2) = wilson(first, first_rows, level=level), wilson(second, second_rows, level=level)
    below, above = math.hypot(first - low1, high2 - second), math.hypot(high1 - first, second - low2)
    return first - second - below, first - second + above


def ratio(first: float, first_rows: float, second: float, second_rows: float, *, level: float = LEVEL) -> Ends | None:
    """Interval of first / second on the log scale: D. Katz and others 1978, Biometrics 34. None where a share is 0."""
    if first <= 0 or second <= 0 or first_rows <= 0 or second_rows <= 0:
        return None
    half = _z(level) * math.sqrt((1 - first) / (first * first_rows) + (1 - second) / (second * second_rows))
    return first / second * math.exp(-half), first / second * math.exp(half)


def bootstrap(figures: Callable[[Floats], Mapping[str, float | None]], weights: Floats, *, rounds: int = ROUNDS) -> dict[str, Ends]:
    """Percentile intervals, at LEVEL, of figures over rows drawn again with replacement.

    The seed is fixed, so that the same rows give the same ends.
    figures: called with the weights of a draw, how often a row was drawn times its own weight; returns figures by name.
    A figure that is None in more than half of the rounds has no interval, and nothing has with fewer than two rows.
    B. Efron 1979, Annals of Statistics 7.
    """
    rows = len(weights)
    if rows < 2:
        return {}
    draw, even = np.random.default_rng(SEED), np.full(rows, 1 / rows)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in figures(draw.multinomial(rows, even) * weights).items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: _percentiles(values) for name, values in found.items() if len(values) * 2 >= rounds}


def mean_interval(values: Floats, weights: Floats, *, level: float = LEVEL) -> Ends | None:
    """Normal interval of a weighted mean of rows; None with fewer than two rows, or without weight."""
    total = float(weights.sum())
    if len(values) < 2 or total <= 0:
        return None
    centre = float(values @ weights / total)
    # Linearised (Taylor) variance of a ratio of sums; without weights it is the usual s² / n.
    scale = len(values) / (len(values) - 1)
    half = _z(level) * math.sqrt(scale * float((weights**2) @ (values - centre) ** 2)) / total
    return centre - half, centre + half


def effective(weights: Floats) -> float:
    """How many rows of equal weight tell as much as these: (Σw)² / Σw², L. Kish 1965, Survey Sampling."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _percentiles(values: list[float]) -> Ends:
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
