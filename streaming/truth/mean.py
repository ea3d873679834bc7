"""A mean of rows by their weights."""

from __future__ import annotations

from streaming.truth.arrays import Floats


def mean(values: Floats, weights: Floats) -> float | None:
    """The mean, None where nothing has weight.

    >>> import numpy as np
    >>> mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    2.0
    """
    total = float(weights.sum())
    return float(values @ weights / total) if total > 0 else None
