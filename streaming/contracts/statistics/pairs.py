"""What two fields have to do with each other: Pearson's correlation of numbers, Cramér's V of categories, both from merged parts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts.statistics.column import Block, Column
from streaming.contracts.statistics.sketches import SHOWN_TEXT

MOST_NUMERIC = 100
"""Numeric fields that are correlated; with more, none are, so that merging parts equals the whole."""
MOST_CATEGORICAL = 40
MOST_VALUES = 30
"""Different values of a field that is associated with others; a field with more is left out."""

LARGEST = 1e140
"""Numbers beyond are left out of correlations: the sum of their squares may be too large for a double."""

_DIGITS_KEPT = 1e-6  # of a sum of squares, what a difference must leave: ten of a double's sixteen digits

Matrix = NDArray[np.float64]


class PairMoments(msgspec.Struct, frozen=True):
    """Rows in which both numbers are within ±LARGEST: how many, means, sums of squares from the mean, sum of products."""

    a: str
    b: str
    count: int
    mean_a: float
    mean_b: float
    m2_a: float
    m2_b: float
    product: float

    @property
    def correlation(self) -> float | None:
        """Pearson's r, -1 to 1; None where one of the two never changes."""
        spread = math.sqrt(self.m2_a) * math.sqrt(self.m2_b)
        return max(-1.0, min(1.0, self.product / spread)) if spread else None


class Contingency(msgspec.Struct, frozen=True):
    """Rows in which both texts are there: counts[value of a][value of b]."""

    a: str
    b: str
    counts: dict[str, dict[str, int]]

    @property
    def association(self) -> float | None:
        """Cramér's V, 0 to 1, without correction for bias; None where one of the two never changes."""
        seconds = sorted({name for row in self.counts.values() for name in row})
        table = np.array([[row.get(name, 0) for name in seconds] for row in self.counts.values()], dtype=np.float64)
        if min(table.shape, default=0) < 2:
            return None
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        chi2 = float(((table - expected) ** 2 / expected).sum())
        return min(1.0, math.sqrt(chi2 / table.sum() / (min(table.shape) - 1)))


class Pairs(msgspec.Struct, frozen=True):
    """Correlations and associations, mergeable. left_out: fields that have too many values to be associated; crowded: too many fields."""

    numeric: list[PairMoments] = []
    categorical: list[Contingency] = []
    values: dict[str, list[str]] = {}
    """of each associated field: its different values, ascending"""
    left_out: list[str] = []
    crowded: bool = False


P = TypeVar("P", PairMoments, Contingency)


def count_pairs(block: Block, categories: Collection[str] = ()) -> Pairs:
    """Correlations and associations of the scalar fields of a block. categories: numbers that are associated as texts are, too."""
    numeric = {name: column for name, column in sorted(block.columns.items()) if column.numbers.null_count < block.rows}
    texts = {name: _texts(column, coded=name in categories) for name, column in sorted(block.columns.items())}
    textual = {name: found for name, found in texts.items() if found.null_count < block.rows}
    if len(numeric) > MOST_NUMERIC or len(textual) > MOST_CATEGORICAL:
        return Pairs(crowded=True)
    values = {name: pc.drop_null(found.unique()).to_pylist() for name, found in textual.items()}
    narrow = {name: sorted(found) for name, found in values.items() if len(found) <= MOST_VALUES}
    places = {name: pc.index_in(textual[name], value_set=pa.array(found, pa.string())) for name, found in narrow.items()}
    return Pairs(
        _correlations(numeric),
        [table for a, b in combinations(narrow, 2) if (table := _contingency(a, b, places, narrow)).counts],
        narrow,
        [name for name in values if name not in narrow],
    )


def _texts(column: Column, *, coded: bool) -> pa.Array:
    return pc.utf8_slice_codeunits(column.as_texts() if coded else column.texts, 0, SHOWN_TEXT)


def merge_pairs(parts: Sequence[Pairs]) -> Pairs:
    """Correlations and associations over the rows of all parts."""
    values = {
        name: sorted({text for part in parts for text in part.values.get(name, [])}) for part in parts for name in sorted(part.values)
    }
    wide = {name for part in parts for name in part.left_out} | {name for name, found in values.items() if len(found) > MOST_VALUES}
    numeric = _grouped([pair for part in parts for pair in part.numeric])
    categorical = _grouped([pair for part in parts for pair in part.categorical if pair.a not in wide and pair.b not in wide])
    fields = {name for a, b in numeric for name in (a, b)}
    if any(part.crowded for part in parts) or len(fields) > MOST_NUMERIC or len(values.keys() | wide) > MOST_CATEGORICAL:
        return Pairs(crowded=True)
    return Pairs(
        [_merged_moments(pairs) for _, pairs in sorted(numeric.items())],
        [_merged_table(pairs) for _, pairs in sorted(categorical.items())],
        {name: found for name, found in sorted(values.items()) if name not in wide},
        sorted(wide),
    )


def _grouped(pairs: Sequence[P]) -> dict[tuple[str, str], list[P]]:
    grouped: dict[tuple[str, str], list[P]] = {}
    for pair in pairs:
        grouped.setdefault((pair.a, pair.b), []).append(pair)
    return grouped


def _correlations(columns: Mapping[str, Column]) -> list[PairMoments]:
    """Of every two columns, over the rows in which both are there, all at once as products of matrices."""
    if len(columns) < 2:
        return []
    names = list(columns)
    values = np.stack([_floats(column.numbers) for column in columns.values()], axis=1)
    values[~(np.abs(values) <= LARGEST)] = np.nan
    there = np.isfinite(values).astype(np.float64)
    # Distances from the middle of each column, so that large numbers that lie close together keep their digits.
    origin = np.array([np.median(found) if len(found := column[np.isfinite(column)]) else 0.0 for column in values.T])
    shifted = np.where(there > 0, values - origin, 0.0)
    count = there.T @ there
    mean = np.divide(shifted.T @ there, count, out=np.zeros_like(count), where=count > 0)  # [a, b]: of a, where b is there
    squares = (shifted**2).T @ there
    m2 = np.maximum(squares - count * mean**2, 0.0)
    product = shifted.T @ shifted - count * mean * mean.T
    lost = m2 < _DIGITS_KEPT * squares
    return [
        _two_passes(names[i], names[j], values[:, i], values[:, j])
        if lost[i, j] or lost[j, i]
        else PairMoments(
            names[i], names[j], int(count[i, j]), float(mean[i, j] + origin[i]), float(mean[j, i] + origin[j]),
            float(m2[i, j]), float(m2[j, i]), float(product[i, j]),
        )
        for i, j in combinations(range(len(names)), 2) if count[i, j]
    ]  # fmt: skip


def _two_passes(a: str, b: str, first: Matrix, second: Matrix) -> PairMoments:
    """Of two columns whose common rows lie far from the middle of one: their own means first, then the distances from these."""
    both = np.isfinite(first) & np.isfinite(second)
    mean_a, mean_b = _mean(first[both]), _mean(second[both])
    apart_a, apart_b = first[both] - mean_a, second[both] - mean_b
    squares = float(apart_a @ apart_a), float(apart_b @ apart_b)
    return PairMoments(a, b, int(both.sum()), mean_a, mean_b, *squares, float(apart_a @ apart_b))


def _mean(values: Matrix) -> float:
    """The mean; of one value again and again it is that value, without the rounding of a sum."""
    return float(values[0] if values.min() == values.max() else values.mean())


def _floats(numbers: pa.Array) -> Matrix:
    found: Matrix = numbers.to_numpy(zero_copy_only=False)
    return found


def _merged_moments(pairs: Sequence[PairMoments]) -> PairMoments:
    merged = pairs[0]
    for pair in pairs[1:]:
        count = merged.count + pair.count
        share = pair.count / count
        apart_a, apart_b, weight = pair.mean_a - merged.mean_a, pair.mean_b - merged.mean_b, merged.count * share
        merged = PairMoments(
            pair.a,
            pair.b,
            count,
            merged.mean_a + apart_a * share,
            merged.mean_b + apart_b * share,
            merged.m2_a + pair.m2_a + apart_a * apart_a * weight,
            merged.m2_b + pair.m2_b + apart_b * apart_b * weight,
            merged.product + pair.product + apart_a * apart_b * weight,
        )
    return merged


def _contingency(a: str, b: str, places: Mapping[str, pa.Array], values: Mapping[str, Sequence[str]]) -> Contingency:
    """places: by field, in which of its values each row lies; null where it has none."""
    together = pc.drop_null(pc.add(pc.multiply(places[a], len(values[b])), places[b])).to_numpy(zero_copy_only=False).astype(np.int64)
    table = np.bincount(together, minlength=len(values[a]) * len(values[b])).reshape(len(values[a]), len(values[b]))
    rows = zip(values[a], table.tolist(), strict=True)
    return Contingency(a, b, {name: {v: n for v, n in zip(values[b], row, strict=True) if n} for name, row in rows if any(row)})


def _merged_table(tables: Sequence[Contingency]) -> Contingency:
    counts: dict[str, dict[str, int]] = {}
    for table in tables:
        for name, row in table.counts.items():
            merged = counts.setdefault(name, {})
            for value, n in row.items():
                merged[value] = merged.get(value, 0) + n
    return Contingency(tables[0].a, tables[0].b, counts)
