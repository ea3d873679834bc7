"""Reference distributions, frozen at training: what live traffic is compared with for as long as the model serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.errors import ModelError
from streaming.metrics import kll
from streaming.metrics.records import SliceCounts
from streaming.metrics.sketches import Bins, count, places
from streaming.metrics.slices import sliced
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
    if feature.kind == "categorical":
        bins = _categorical_bins(values)
        return Distribution(bins, count(bins, values))
    bins = _numeric_bins(values)
    numbers = values.to_numpy(zero_copy_only=False)
    # Where each value has a bin of its own the counts are the distribution already: a sketch would cost each batch for nothing.
    few = len(np.unique(numbers[np.isfinite(numbers)])) <= BINS
    return Distribution(bins, count(bins, values), b"" if few else kll.sketch(numbers))


def freeze_slices(
    columns: Iterable[str], distributions: Mapping[str, Distribution], features: pa.RecordBatch, score: Distribution, scores: Scores
) -> dict[str, dict[str, SliceCounts]]:
    """Counts of the training rows of each value of some categorical columns, by column and "column=value".

    features: the training rows; scores: theirs, shape (rows,). Raises ModelError for a column that has no frozen categories.
    """
    bins = {name: known.bins for name, known in distributions.items()}
    found = {name: places(known, features.column(name)) for name, known in bins.items()}
    columns = list(columns)
    if odd := [name for name in columns if name not in bins or bins[name].kind != "categorical"]:
        raise ModelError(f"no slices by {odd[0]!r}; expected a categorical feature that is watched for drift")
    return {name: sliced(name, bins, found, score.bins, places(score.bins, pa.array(scores))) for name in columns}


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
