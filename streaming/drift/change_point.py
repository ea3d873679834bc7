"""Since when: the window from which on a feature's histogram is another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc


class ChangePoint(NamedTuple):
    """first: position of the first window after the change. p_value: of there being none, for all positions that were tried."""

    first: int
    p_value: float


def change_point(windows: Sequence[Sequence[float]]) -> ChangePoint | None:
    """The most likely place of one change in a row of histograms over the same bins, shape (windows, bins); None for fewer than two.

    Each place cuts the row in two; the place is that where two multinomial distributions explain the row best against one
    (likelihood ratio, Hinkley 1970, Biometrika 57(1), for histograms). Its p-value is chi-squared's, times the places tried.

    >>> change_point([[50, 50], [49, 51], [90, 10], [92, 8]]).first
    2
    """
    if len(windows) < 2:
        return None
    table = np.asarray(windows, dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    up_to = np.cumsum(table, axis=0)
    ratios = 2 * (_log_likelihood(up_to[:-1]) + _log_likelihood(up_to[-1] - up_to[:-1]) - _log_likelihood(up_to[-1]))
    place = int(ratios.argmax())
    freedom = table.shape[1] - 1
    p_value = float(chdtrc(freedom, max(0.0, float(ratios[place])))) if freedom else 1.0
    return ChangePoint(place + 1, min(1.0, p_value * len(ratios)))


def _log_likelihood(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of counts (…, bins) under their own shares, in nats."""
    total = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return np.asarray((counts * np.log(np.where(counts > 0, counts, 1) / np.where(counts > 0, total, 1))).sum(axis=-1))
