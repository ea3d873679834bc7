"""Wasserstein's distance: how far the values have moved on average, read from KLL sketches."""

from __future__ import annotations

import numpy as np

from streaming.drift.sample import Found
from streaming.metrics.kll import Points, rank


def wasserstein(before: Points, now: Points) -> Found:
    """The area between two distribution functions, in spreads of the first (its standard deviation).

    It is how far an average value must be carried (Villani 2009, Optimal Transport, chapter 6); times `spread(before)` it is in the
    values' own unit. Without a spread before, any move is 1. error: of the sketches' ranks, over the range of the values.

    >>> from streaming.metrics.kll import points, sketch
    >>> round(wasserstein(points(sketch(np.array([0.0, 2]))), points(sketch(np.array([3.0, 5])))).value, 3)
    3.0
    """
    grid = np.union1d(before.values, now.values)
    apart = np.abs(rank(before, grid[:-1]) - rank(now, grid[:-1]))
    area = float((apart * np.diff(grid)).sum())
    unit = spread(before)
    if not unit:
        return Found(float(area > 0))
    # A rank that is off moves the area only where numbers lie: between the 1st and 99th hundredth, for tails are known by few.
    low, high = np.searchsorted(before.shares, [0.01, 0.99])
    width = float(before.values[min(high, len(before.values) - 1)] - before.values[low])
    return Found(area / unit, error=(before.error + now.error) * width / unit)


def spread(found: Points) -> float:
    """Standard deviation of a sketch's numbers, in their unit."""
    weights = np.diff(found.shares, prepend=0.0)
    mean = float((weights * found.values).sum())
    return float(np.sqrt((weights * (found.values - mean) ** 2).sum()))
