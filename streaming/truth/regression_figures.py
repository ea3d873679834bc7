"""Figures of a predicted amount."""

from __future__ import annotations

from functools import partial

import numpy as np

from streaming.truth import regression
from streaming.truth.arrays import Floats
from streaming.truth.declared import Truth
from streaming.truth.figures import Figures
from streaming.truth.interval import bootstrap, mean_interval
from streaming.truth.mean import mean
from streaming.truth.rows import Rows

_WITHOUT = {"r2": "all labels are the same", "rmsle": "an amount is -1 or less", "mape": "a label is 0"}


def figures(rows: Rows, truth: Truth) -> Figures:  # noqa: ARG001 (the signature of every task)
    """Figures of rows with y and score as amounts of one unit; bias is the mean of score - y."""
    found = Figures()
    errors = rows.score - rows.y
    for name, each in {"mae": np.abs(errors), "bias": errors}.items():
        found.add(name, mean(each, rows.weight), mean_interval(each, rows.weight), "normal")
    ends = bootstrap(partial(_drawn, rows), rows.weight)
    for name, value in _drawn(rows, rows.weight).items():
        found.add(name, value, ends.get(name), "bootstrap", without=_WITHOUT.get(name, ""))
    return found


def _drawn(rows: Rows, weight: Floats) -> dict[str, float | None]:
    return {
        "rmse": regression.root_mean_squared_error(rows.y, rows.score, weight),
        "r2": regression.r_squared(rows.y, rows.score, weight),
        "rmsle": regression.root_mean_squared_log_error(rows.y, rows.score, weight),
        "mape": regression.mean_absolute_percentage_error(rows.y, rows.score, weight),
    }
