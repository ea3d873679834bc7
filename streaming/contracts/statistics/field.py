"""Statistics of one field: counted from a column, merged from parts, summed up for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.column import KINDS, MISSING, Column
from streaming.contracts.statistics.extremes import Whole, merge_whole, whole_of
from streaming.contracts.statistics.moments import Moments, merge_moments, moments
from streaming.contracts.statistics.sketches import Distinct, TopValue

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BINS = 10
TOP = 20


class Numbers(msgspec.Struct, frozen=True):
    """The numbers of a field. moments and sketch (KLL): of the finite ones; zeros, nan, infinite: how many of each.

    whole: extremes of the whole ones, with all their digits. Of personal data the sketch is empty.
    """

    moments: Moments
    sketch: bytes
    zeros: int
    nan: int
    infinite: int
    whole: Whole = Whole()


class Texts(msgspec.Struct, frozen=True):
    """The texts of a field (booleans as true and false). lengths: in characters; empty: how many have none."""

    lengths: Moments
    empty: int


class FieldStatistics(msgspec.Struct, frozen=True):
    """What is known of a field, mergeable. kinds: JSON type → values of it, over all rows.

    Values inside lists count in numbers, texts, distinct (HLL) and top (frequent items) as if they stood alone;
    valency: of the lists' lengths.
    """

    present: int
    null: int
    absent: int
    kinds: dict[str, int]
    numbers: Numbers | None
    texts: Texts | None
    valency: Moments | None
    distinct: bytes
    top: bytes

    @property
    def rows(self) -> int:
        """Rows counted."""
        return self.present + self.null + self.absent


class Histogram(msgspec.Struct, frozen=True):
    """counts[i] of the numbers lie in edges[i] < x <= edges[i+1], the first bin holds its lower edge too; read from the sketch."""

    edges: list[float]
    counts: list[float]


class NumbersSummary(msgspec.Struct, frozen=True):
    """Numbers for a reader. deviation: of a sample; quantiles: share → value; histograms: of equal width, and of equal counts."""

    count: int
    mean: float | None
    deviation: float | None
    low: float | None
    high: float | None
    zeros: int
    nan: int
    infinite: int
    quantiles: dict[str, float]
    equal_width: Histogram
    equal_count: Histogram


class TextsSummary(msgspec.Struct, frozen=True):
    """Texts for a reader; lengths in characters."""

    count: int
    empty: int
    shortest: int | None
    longest: int | None
    mean_length: float | None


class ValencySummary(msgspec.Struct, frozen=True):
    """Lengths of lists for a reader."""

    lists: int
    shortest: int | None
    longest: int | None
    mean: float | None


class FieldSummary(msgspec.Struct, frozen=True):
    """A field for a reader. type: the kind of all its values, "mixed", or "none"; presence: share of rows with a value."""

    type: str
    rows: int
    present: int
    null: int
    absent: int
    presence: float
    kinds: dict[str, int]
    distinct: Distinct
    top: list[TopValue]
    numbers: NumbersSummary | None
    texts: TextsSummary | None
    valency: ValencySummary | None


def count_field(column: Column, *, hide_values: bool = False) -> FieldStatistics:
    """Statistics of one field in a block. hide_values: of personal data keep no texts and no quantiles."""
    found = np.bincount(column.kinds, minlength=len(KINDS)).tolist()
    values = _leaves(column)
    numbers = pa.chunked_array([pc.drop_null(leaf.numbers) for leaf in values]).to_numpy()
    whole = merge_whole(whole_of(leaf.integers, leaf.numbers) for leaf in values)
    texts = pa.chunked_array([pc.drop_null(leaf.texts) for leaf in values])
    names, counts = _value_counts(values)
    lists = column.kinds == KINDS.index("array")
    return FieldStatistics(
        present=sum(found[MISSING + 1 :]),
        null=found[MISSING],
        absent=found[0],
        kinds={kind: n for kind, n in zip(KINDS[MISSING + 1 :], found[MISSING + 1 :], strict=True) if n},
        numbers=_numbers(numbers, whole, hide_values=hide_values) if len(numbers) else None,
        texts=_texts(texts) if len(texts) else None,
        valency=moments(column.elements.lengths[lists].astype(np.float64)) if column.elements and lists.any() else None,
        distinct=sketches.distinct_sketch(names),
        top=sketches.frequency_sketch(*(([], []) if hide_values else (names, counts))),
    )


def absent_field(rows: int) -> FieldStatistics:
    """Statistics of a field that none of the rows has."""
    return FieldStatistics(0, 0, rows, {}, None, None, None, sketches.distinct_sketch([]), sketches.frequency_sketch([], []))


def merge_fields(parts: Sequence[FieldStatistics]) -> FieldStatistics:
    """Statistics of a field over all rows of the parts, at least one. Counts are exact."""
    numbers = [part.numbers for part in parts if part.numbers]
    texts = [part.texts for part in parts if part.texts]
    valencies = [part.valency for part in parts if part.valency]
    kinds = [kind for kind in KINDS if any(kind in part.kinds for part in parts)]
    return FieldStatistics(
        present=sum(part.present for part in parts),
        null=sum(part.null for part in parts),
        absent=sum(part.absent for part in parts),
        kinds={kind: sum(part.kinds.get(kind, 0) for part in parts) for kind in kinds},
        numbers=_merged_numbers(numbers) if numbers else None,
        texts=Texts(merge_moments(part.lengths for part in texts), sum(part.empty for part in texts)) if texts else None,
        valency=merge_moments(valencies) if valencies else None,
        distinct=sketches.merge_distinct(part.distinct for part in parts),
        top=sketches.merge_frequencies(part.top for part in parts),
    )


def summary_of(field: FieldStatistics) -> FieldSummary:
    """A field for a reader."""
    kinds = list(field.kinds)
    texts, valency = field.texts, field.valency
    return FieldSummary(
        type=_type_of(kinds),
        rows=field.rows,
        present=field.present,
        null=field.null,
        absent=field.absent,
        presence=field.present / field.rows if field.rows else 0.0,
        kinds=field.kinds,
        distinct=sketches.distinct(field.distinct),
        # A value whose count may be half of what is told was crowded out by others: it is no top value.
        top=[top for top in sketches.top_values(field.top, TOP) if 2 * top.least >= top.most],
        numbers=_numbers_summary(field.numbers) if field.numbers else None,
        texts=TextsSummary(texts.lengths.count, texts.empty, *_of_lengths(texts.lengths)) if texts else None,
        valency=ValencySummary(valency.count, *_of_lengths(valency)) if valency else None,
    )


def _type_of(kinds: Sequence[str]) -> str:
    if set(kinds) == {"integer", "number"}:
        return "number"
    return kinds[0] if len(kinds) == 1 else "mixed" if kinds else "none"


def _leaves(column: Column) -> list[Column]:
    return [column, *(_leaves(column.elements.values) if column.elements else [])]


def _value_counts(columns: Iterable[Column]) -> tuple[list[str], list[int]]:
    counted = [sketches.value_counts(pc.drop_null(column.as_texts())) for column in columns]
    return [name for names, _ in counted for name in names], [n for _, counts in counted for n in counts]


def _numbers(values: np.ndarray, whole: Whole, *, hide_values: bool) -> Numbers:
    finite = values[np.isfinite(values)]
    nan = int(np.isnan(values).sum())
    zeros = int((finite == 0).sum())
    sketch = sketches.quantile_sketch(finite[:0] if hide_values else finite)
    return Numbers(moments(finite), sketch, zeros, nan, len(values) - len(finite) - nan, whole)


def _texts(texts: pa.ChunkedArray) -> Texts:
    lengths = pc.utf8_length(texts).to_numpy().astype(np.float64)
    return Texts(moments(lengths), int((lengths == 0).sum()))


def _merged_numbers(parts: Sequence[Numbers]) -> Numbers:
    return Numbers(
        merge_moments(part.moments for part in parts),
        sketches.merge_quantiles(part.sketch for part in parts),
        sum(part.zeros for part in parts),
        sum(part.nan for part in parts),
        sum(part.infinite for part in parts),
        merge_whole(part.whole for part in parts),
    )


def _numbers_summary(numbers: Numbers) -> NumbersSummary:
    found = numbers.moments
    return NumbersSummary(
        count=found.count,
        mean=found.mean if found.count else None,
        deviation=found.deviation,
        low=found.low,
        high=found.high,
        zeros=numbers.zeros,
        nan=numbers.nan,
        infinite=numbers.infinite,
        quantiles={f"{share:g}": value for share, value in zip(SHARES, sketches.quantiles(numbers.sketch, SHARES), strict=False)},
        equal_width=_histogram(numbers, _even_edges(found)),
        equal_count=_histogram(numbers, sketches.quantiles(numbers.sketch, np.linspace(0, 1, BINS + 1).tolist())),
    )


def _even_edges(found: Moments) -> list[float]:
    """Edges of bins of equal width. The difference of two doubles may be too large for one; these sums are not."""
    low, high = found.low or 0.0, found.high or 0.0
    return [low, *(low * (1 - i / BINS) + high * (i / BINS) for i in range(1, BINS)), high]


def _histogram(numbers: Numbers, edges: Sequence[float]) -> Histogram:
    """Bins between the edges that differ; one bin where all numbers are the same."""
    if not numbers.moments.count or not sketches.quantiles(numbers.sketch, [0.5]):
        return Histogram([], [])
    different = list(dict.fromkeys(edges))
    if len(different) == 1:
        return Histogram([different[0], different[0]], [float(numbers.moments.count)])
    return Histogram(different, sketches.counts_between(numbers.sketch, different[1:-1]))


def _of_lengths(lengths: Moments) -> tuple[int | None, int | None, float | None]:
    if lengths.low is None or lengths.high is None:
        return None, None, None
    return int(lengths.low), int(lengths.high), lengths.mean
