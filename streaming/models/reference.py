"""Reference distributions, frozen at training: what live traffic is compared with for as long as the model serves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.metrics.sketches import Bins, count
from streaming.models.artifact import Distribution, Feature
from streaming.models.model import Scores, arrow_type

BINS = 10  # deciles: each holds enough of a window of some hundred events for a stable PSI (Siddiqi 2006)


def freeze(feature: Feature, column: pa.Array) -> Distribution:
    """Bins and counts of a feature's training values.

    numeric: deciles of the training values, equal ones merged; where there are at most ten distinct values each gets a
    bin of its own, so that a rare one of two values is not lost. categorical: the values, most frequent first.

    >>> freeze(Feature("flag", "numeric"), pa.array([0.0, 1.0, 1.0])).bins.edges
    [0.0]
    >>> freeze(Feature("plan", "categorical"), pa.array(["a", "b", "b"])).bins.values
    ['b', 'a']
    """
    values = pc.cast(column, arrow_type(feature))
    bins = _numeric_bins(values) if feature.kind == "numeric" else _categorical_bins(values)
    return Distribution(bins, count(bins, values))


def freeze_scores(scores: Scores) -> Distribution:
    """Bins and counts of scores, shape (rows,): deciles, so that each bin is equally likely at first."""
    return freeze(Feature("score", "numeric"), pa.array(scores))


def _numeric_bins(values: pa.Array) -> Bins:
    numbers = values.to_numpy(zero_copy_only=False)
    present = numbers[np.isfinite(numbers)]
    distinct = np.unique(present)
    edges = distinct if len(distinct) <= BINS else np.unique(np.quantile(present, np.arange(1, BINS) / BINS))
    return Bins("numeric", edges=[float(edge) for edge in edges if edge < distinct[-1]])


def _categorical_bins(values: pa.Array) -> Bins:
    counted = pc.value_counts(values.drop_null()).to_pylist()
    return Bins("categorical", values=[entry["values"] for entry in sorted(counted, key=lambda entry: (-entry["counts"], entry["values"]))])
