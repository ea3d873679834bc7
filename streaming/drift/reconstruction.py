"""Joint drift by PCA: rows that no longer keep the reference's correlations are rebuilt badly from its main components.

The idea is NannyML's data reconstruction; the limit is the reference's own: windows of the same size drawn from rows that
the components were not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from streaming.drift.encoding import Encoding, encode, fit_encoding
from streaming.metrics.labelled_cells import Array

VARIANCE = 0.65  # share that the components keep: the rest is what correlations leave over (NannyML's default too)
ALPHA = 0.01
SEED = 0


class JointDrift(NamedTuple):
    """A multivariate verdict. value against its band [low, high]; p_value: of a value as odd in windows of the reference."""

    measure: str
    value: float
    low: float
    high: float
    p_value: float
    drifted: bool


@dataclass(frozen=True)
class Reconstruction:
    """Frozen components. components: shape (kept, columns); errors: of reference rows they were not fitted on, shape (rows,)."""

    encoding: Encoding
    components: Array
    errors: Array


def fit_reconstruction(reference: pd.DataFrame, *, variance: float = VARIANCE, seed: int = SEED) -> Reconstruction:
    """Freeze the components of half of the reference, and their errors on the other half.

    reference: one row each, columns as `fit_encoding` takes them; at least some hundred rows. variance: share to be kept.
    """
    order = np.random.default_rng(seed).permutation(len(reference))
    half = len(reference) // 2
    encoding = fit_encoding(reference.iloc[order[:half]])
    _, singular, directions = np.linalg.svd(encode(encoding, reference.iloc[order[:half]]), full_matrices=False)
    shares = np.cumsum(singular**2) / np.sum(singular**2)
    components = directions[: min(int(np.searchsorted(shares, variance)) + 1, len(directions) - 1) or 1]
    return Reconstruction(encoding, components, _errors(encoding, components, reference.iloc[order[half:]]))


def reconstruction_drift(fitted: Reconstruction, window: pd.DataFrame, *, alpha: float = ALPHA) -> JointDrift:
    """Mean reconstruction error of a window (Euclidean, of standardised rows) against the reference's.

    The mean of n errors is about normal around the reference's mean with variance s² (1/n + 1/m), m rows of the reference that
    the components were not fitted on; drifted: outside the two-sided band of level alpha. Both sides count: rows that became
    too regular drifted as well.
    """
    return judge("pca_reconstruction", _errors(fitted.encoding, fitted.components, window), fitted.errors, alpha)


def judge(measure: str, found: Array, reference: Array, alpha: float) -> JointDrift:
    """The mean of a window's figures by row against the reference's, as a normal test with the reference's variance."""
    middle, spread = float(reference.mean()), float(np.sqrt(_variance(reference) * (1 / len(found) + 1 / len(reference))))
    z = (float(found.mean()) - middle) / spread if spread > 0 else 0.0
    p_value = 2 * (1 - NormalDist().cdf(abs(z)))
    reach = NormalDist().inv_cdf(1 - alpha / 2) * spread
    return JointDrift(measure, float(found.mean()), middle - reach, middle + reach, p_value, p_value < alpha)


def _variance(values: Array) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _errors(encoding: Encoding, components: Array, frame: pd.DataFrame) -> Array:
    rows = encode(encoding, frame)
    found: Array = np.linalg.norm(rows - rows @ components.T @ components, axis=1)
    return found
