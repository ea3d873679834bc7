"""The arrays that every figure takes: checked once, the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streaming.errors import ScoringError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class MismatchedRows(ScoringError):
    """Labels, scores and weights of a figure are not of one length, or not finite: give one finite number for each row."""


def floats(values: Any, rows: int | None = None, *, name: str = "scores") -> Floats:
    """Values as float64, shape (rows,). Raises MismatchedRows unless they are finite and as many as `rows`, where that is given."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (rows is not None and len(array) != rows):
        raise MismatchedRows(f"{name} have shape {array.shape}; expected one number for each of {rows if rows is not None else 'the'} rows")
    if not np.isfinite(array).all():
        raise MismatchedRows(f"{name} hold a number that is not finite; leave such rows out")
    return array


def bools(values: Any, rows: int | None = None, *, name: str = "labels") -> Bools:
    """Values as booleans, shape (rows,); numbers must be 0 or 1. Raises MismatchedRows otherwise."""
    array = floats(values, rows, name=name)
    if not np.isin(array, (0.0, 1.0)).all():
        raise MismatchedRows(f"{name} hold a value that is neither 0 nor 1; name what counts as positive")
    return np.asarray(array == 1.0, dtype=np.bool_)


def weights_of(weights: Any, rows: int) -> Floats:
    """Weights of rows, shape (rows,): ones where none are given. Raises MismatchedRows for a negative one."""
    if weights is None:
        return np.ones(rows)
    array = floats(weights, rows, name="weights")
    if (array < 0).any():
        raise MismatchedRows("weights hold a negative number; a row weighs 0 or more")
    return array
