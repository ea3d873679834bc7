"""Count, mean and spread of numbers, mergeable without loss: Welford's recurrence for whole parts (Chan, Golub, LeVeque 1983)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray


class Moments(msgspec.Struct, frozen=True):
    """What is known of some finite numbers; low, high: None where there are none.

    m2: sum of squared distances from the mean; None where it is too large for a double.
    """

    count: int = 0
    mean: float = 0.0
    m2: float | None = 0.0
    low: float | None = None
    high: float | None = None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of a sample (n - 1); None for fewer than two numbers, or where it is too large to tell.

        >>> moments(np.array([1.0, 3.0])).deviation
        1.4142135623730951
        """
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 and self.m2 is not None else None


def moments(values: NDArray[np.float64]) -> Moments:
    """Moments of finite numbers, shape (n,)."""
    if not len(values):
        return Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(values))
        if not math.isfinite(mean):  # their sum is too large for a double, their mean is not
            mean = float(np.sum(values / len(values)))
        m2 = float(np.sum((values - mean) ** 2))
    return Moments(len(values), mean, _finite(m2), float(values.min()), float(values.max()))


def merge_moments(parts: Iterable[Moments]) -> Moments:
    """Moments of all numbers of the parts together.

    >>> merge_moments([moments(np.array([1.0])), moments(np.array([3.0]))])
    Moments(count=2, mean=2.0, m2=2.0, low=1.0, high=3.0)
    """
    merged = Moments()
    for part in parts:
        merged = _merged(merged, part)
    return merged


def _merged(a: Moments, b: Moments) -> Moments:
    if not a.count or not b.count:
        return a if a.count else b
    count = a.count + b.count
    apart, share = b.mean - a.mean, b.count / count
    m2 = None if a.m2 is None or b.m2 is None else _finite(a.m2 + b.m2 + apart * apart * (a.count * share))
    lows, highs = [v for v in (a.low, b.low) if v is not None], [v for v in (a.high, b.high) if v is not None]
    return Moments(count, a.mean * (1 - share) + b.mean * share, m2, min(lows), max(highs))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
