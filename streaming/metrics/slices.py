"""What one batch of rows shows beside its histograms: quantiles of the numbers, and the same histograms for each slice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.metrics import kll
from streaming.metrics.records import SliceCounts
from streaming.metrics.sketches import Bins, Histogram, histogram

Places = NDArray[np.int64]


def quantile_sketches(columns: Mapping[str, pa.Array]) -> dict[str, bytes]:
    """KLL sketches of numeric columns, by name; of those that hold a number."""
    found = {name: kll.sketch(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)) for name, column in columns.items()}
    return {name: sketch for name, sketch in found.items() if sketch}


def sliced(
    column: str, bins: Mapping[str, Bins], features: Mapping[str, Places], score_bins: Bins, score: Places
) -> dict[str, SliceCounts]:
    """Counts of each value of a categorical column, by "column=value"; values that no row has are left out.

    features, score: the bin of each row as `sketches.places` numbers them, shape (rows,). Rows whose value is missing or unseen are
    in no slice: how many they are, the column's own histogram tells.
    """
    values, codes = bins[column].values, features[column]
    crossed = {name: _crossed(codes, len(values), each, bins[name]) for name, each in features.items()}
    scores = _crossed(codes, len(values), score, score_bins)
    rows = np.bincount(codes, minlength=len(values)).tolist()
    return {
        f"{column}={value}": SliceCounts(rows[place], {name: each[place] for name, each in crossed.items()}, scores[place])
        for place, value in enumerate(values)
        if rows[place]
    }


def _crossed(codes: Places, values: int, places: Places, bins: Bins) -> list[Histogram]:
    """A histogram for each value."""
    size = bins.size + 2
    known = codes < values
    table = np.bincount(codes[known] * size + places[known], minlength=values * size).reshape(values, size)
    return [histogram(row) for row in table]
