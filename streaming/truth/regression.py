"""Errors of predicted amounts."""

from __future__ import annotations

from typing import Any

import numpy as np

from streaming.truth.arrays import floats, weights_of
from streaming.truth.mean import mean


def mean_absolute_error(labels: Any, predicted: Any, weights: Any = None) -> float | None:
    """Mean distance, in the label's unit; None without rows."""
    truth, told, weight = _rows(labels, predicted, weights)
    return mean(np.abs(truth - told), weight)


def root_mean_squared_error(labels: Any, predicted: Any, weights: Any = None) -> float | None:
    """Root of the mean squared distance, in the label's unit; None without rows.

    >>> root_mean_squared_error([3, 5], [3, 9])
    2.8284271247461903
    """
    truth, told, weight = _rows(labels, predicted, weights)
    return _root(mean((truth - told) ** 2, weight))


def r_squared(labels: Any, predicted: Any, weights: Any = None) -> float | None:
    """Share of the labels' variance explained, negative where their mean would be better; None if all labels are the same."""
    truth, told, weight = _rows(labels, predicted, weights)
    centre = mean(truth, weight)
    if centre is None or (spread := float(weight @ (truth - centre) ** 2)) <= 0:
        return None
    return 1 - float(weight @ (truth - told) ** 2) / spread


def root_mean_squared_log_error(labels: Any, predicted: Any, weights: Any = None) -> float | None:
    """Root of the mean squared distance of log(1 + amount); None without rows, or where an amount is -1 or less."""
    truth, told, weight = _rows(labels, predicted, weights)
    if (truth <= -1).any() or (told <= -1).any():
        return None
    return _root(mean((np.log1p(truth) - np.log1p(told)) ** 2, weight))


def mean_absolute_percentage_error(labels: Any, predicted: Any, weights: Any = None) -> float | None:
    """Mean distance as a share of the label; None without rows, or where a label is 0: the share of nothing has no meaning.

    >>> mean_absolute_percentage_error([100, 200], [110, 180])
    0.1
    """
    truth, told, weight = _rows(labels, predicted, weights)
    if (truth == 0).any():
        return None
    return mean(np.abs((truth - told) / truth), weight)


def _rows(labels: Any, predicted: Any, weights: Any) -> tuple[Any, Any, Any]:
    truth = floats(labels, name="labels")
    return truth, floats(predicted, len(truth), name="predictions"), weights_of(weights, len(truth))


def _root(value: float | None) -> float | None:
    return None if value is None else float(np.sqrt(value))
