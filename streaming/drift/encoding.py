"""Rows of mixed columns as one matrix for multivariate drift: numbers standardised, texts by their frequency in the reference."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from streaming.metrics.labelled_cells import Array


@dataclass(frozen=True)
class Encoding:
    """What a reference froze. medians, means, scales: by column, of the encoded values; frequencies: by text column, by value."""

    columns: tuple[str, ...]
    frequencies: dict[str, dict[Hashable, float]]
    medians: Array
    means: Array
    scales: Array


def fit_encoding(reference: pd.DataFrame) -> Encoding:
    """Freeze an encoding. reference: one row each; numbers and booleans (missing NaN), or texts (missing None).

    Columns that do not vary in the reference are kept, with scale 1: they may begin to vary.
    """
    texts = [name for name in reference.columns if not pd.api.types.is_numeric_dtype(reference[name])]
    frequencies = {str(name): reference[name].value_counts(normalize=True).to_dict() for name in texts}
    columns = tuple(map(str, reference.columns))
    raw = _raw(columns, frequencies, reference)
    medians = np.array([float(np.median(present)) if len(present := column[~np.isnan(column)]) else 0.0 for column in raw.T])
    filled = np.where(np.isnan(raw), medians, raw)
    means, scales = filled.mean(axis=0), filled.std(axis=0)
    varies = scales > 1e-9 * np.maximum(np.abs(means), 1e-9)  # the mean of equal numbers is off by a rounding, and so is their spread
    return Encoding(columns, frequencies, medians, means, np.where(varies, scales, 1.0))


def encode(encoding: Encoding, frame: pd.DataFrame) -> Array:
    """Standardised matrix of rows, shape (rows, columns). A missing number is the reference's median, an unknown text has frequency 0."""
    raw = _raw(encoding.columns, encoding.frequencies, frame)
    scaled: Array = (np.where(np.isnan(raw), encoding.medians, raw) - encoding.means) / encoding.scales
    return scaled


def _raw(columns: tuple[str, ...], frequencies: dict[str, dict[Hashable, float]], frame: pd.DataFrame) -> Array:
    def column(name: str) -> Array:
        if name in frequencies:
            return np.asarray(frame[name].map(frequencies[name]).fillna(0.0), dtype=np.float64)
        return np.asarray(frame[name].to_numpy(dtype=np.float64, na_value=np.nan))

    return np.column_stack([column(name) for name in columns])
