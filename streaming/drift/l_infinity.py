"""L-infinity: the bin whose share moved most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def l_infinity(expected: Sequence[float], actual: Sequence[float]) -> tuple[float, int]:
    """The largest difference of shares of two histograms over the same bins, 0 to 1, and the bin where it is.

    Chebyshev's distance of the shares, as TensorFlow Data Validation has it.

    >>> l_infinity([3, 1], [1, 1])
    (0.25, 0)
    """
    before, now = (np.asarray(counts, dtype=np.float64) for counts in (expected, actual))
    apart = np.abs(before / before.sum() - now / now.sum())
    return float(apart.max()), int(apart.argmax())
