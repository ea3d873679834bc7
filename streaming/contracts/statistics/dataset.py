"""Statistics of a data set or of a window of a topic: of every field, of slices, of pairs of fields; one pass, mergeable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow.compute as pc

from streaming.contracts.statistics.column import Block
from streaming.contracts.statistics.field import FieldStatistics, FieldSummary, absent_field, count_field, merge_fields, summary_of
from streaming.contracts.statistics.pairs import Pairs, count_pairs, merge_pairs
from streaming.contracts.statistics.source import DataError

MOST_SLICES = 100
"""Values of a field that the data are sliced by; a field with more is not a slice, and is named in `unsliced`."""


MOST_FIELDS = 5000
"""Different fields that rows may have together: with more they are no rows of one event, and would fill the memory."""


class SliceStatistics(msgspec.Struct, frozen=True):
    """Statistics of some rows: how many, and by field."""

    rows: int
    fields: dict[str, FieldStatistics]


class Statistics(msgspec.Struct, frozen=True):
    """Everything counted; merges with the statistics of other rows. unreadable: lines or messages that held no row.

    slices: field → its value as text → statistics of these rows; unsliced: fields with too many values for that.
    """

    rows: int
    unreadable: int
    fields: dict[str, FieldStatistics]
    slices: dict[str, dict[str, SliceStatistics]]
    unsliced: list[str]
    pairs: Pairs


class PairSummary(msgspec.Struct, frozen=True):
    """How two fields go together over `rows` rows; value: Pearson's r or Cramér's V, None where it cannot be told."""

    a: str
    b: str
    rows: int
    value: float | None


class SliceSummary(msgspec.Struct, frozen=True):
    """Some rows for a reader."""

    rows: int
    fields: dict[str, FieldSummary]


class Summary(msgspec.Struct, frozen=True):
    """Statistics for a reader: no sketches, numbers ready to print."""

    rows: int
    unreadable: int
    fields: dict[str, FieldSummary]
    slices: dict[str, dict[str, SliceSummary]]
    unsliced: list[str]
    correlation: list[PairSummary]
    association: list[PairSummary]
    unassociated: list[str]


def describe(blocks: Iterable[Block], *, slices: Sequence[str] = (), personal: Collection[str] = ()) -> Statistics:
    """Statistics of all blocks in one pass. slices: fields to slice by; personal: fields whose values are not kept.

    Raises DataError if there are more than MOST_FIELDS different fields.

    >>> from streaming.contracts.statistics.parse import block_of_rows
    >>> describe([block_of_rows([{"a": 1}, {"a": None}])]).fields["a"].null
    1
    """
    counted = empty(slices)
    for block in blocks:
        if len(counted.fields.keys() | block.columns.keys()) > MOST_FIELDS:
            raise DataError(f"the rows have more than {MOST_FIELDS:,} different fields; mend what writes them")
        counted = merge_statistics([counted, count_block(block, slices=slices, personal=personal)])
    return counted


def empty(slices: Sequence[str] = ()) -> Statistics:
    """Statistics of no rows."""
    return Statistics(0, 0, {}, {name: {} for name in slices}, [], Pairs())


def count_block(block: Block, *, slices: Sequence[str] = (), personal: Collection[str] = ()) -> Statistics:
    """Statistics of one block. A personal field is no slice, and is in no pair of categories."""
    sliced = {name: _sliced(block, name, personal) for name in slices}
    unsliced = [name for name, parts in sliced.items() if parts is None]
    open_columns = {name: column for name, column in block.columns.items() if name not in personal}
    return Statistics(
        block.rows,
        block.unreadable,
        _fields(block, personal),
        {name: parts for name, parts in sliced.items() if parts is not None},
        unsliced,
        count_pairs(Block(block.rows, open_columns)),
    )


def merge_statistics(parts: Sequence[Statistics]) -> Statistics:
    """Statistics of the rows of all parts together, at least one part. A field that a part lacks is absent in its rows."""
    unsliced = {name for part in parts for name in part.unsliced}
    names = dict.fromkeys(name for part in parts for name in part.slices)
    fields = _merged([(part.rows, part.fields) for part in parts])
    slices = {name: _merged_slices([part.slices.get(name, {}) for part in parts], fields) for name in names}
    unsliced |= {name for name, found in slices.items() if len(found) > MOST_SLICES}
    return Statistics(
        sum(part.rows for part in parts),
        sum(part.unreadable for part in parts),
        fields,
        {name: found for name, found in slices.items() if name not in unsliced},
        sorted(unsliced),
        merge_pairs([part.pairs for part in parts]),
    )


def summarize(statistics: Statistics) -> Summary:
    """Statistics for a reader."""
    pairs = statistics.pairs
    return Summary(
        statistics.rows,
        statistics.unreadable,
        _summaries(statistics.fields),
        {
            name: {value: SliceSummary(part.rows, _summaries(part.fields)) for value, part in sorted(found.items())}
            for name, found in statistics.slices.items()
        },
        statistics.unsliced,
        [PairSummary(pair.a, pair.b, pair.count, pair.correlation) for pair in pairs.numeric],
        [PairSummary(t.a, t.b, sum(sum(row.values()) for row in t.counts.values()), t.association) for t in pairs.categorical],
        pairs.left_out,
    )


def _fields(block: Block, personal: Collection[str]) -> dict[str, FieldStatistics]:
    return {name: count_field(column, hide_values=name in personal) for name, column in block.columns.items()}


def _sliced(block: Block, name: str, personal: Collection[str]) -> dict[str, SliceStatistics] | None:
    """By value of a field; None if there are too many. Rows without a value are in no slice."""
    column = block.columns.get(name)
    if column is None:
        return {}
    values = column.as_texts()
    found = pc.drop_null(values.unique()).to_pylist()
    if len(found) > MOST_SLICES or name in personal:
        return None
    places = values.to_numpy(zero_copy_only=False)
    parts = {value: block.take(np.flatnonzero(places == value)) for value in found}
    return {value: SliceStatistics(part.rows, _fields(part, personal)) for value, part in parts.items()}


def _merged(parts: Sequence[tuple[int, Mapping[str, FieldStatistics]]]) -> dict[str, FieldStatistics]:
    names = dict.fromkeys(name for _, fields in parts for name in fields)
    return {name: merge_fields([fields[name] if name in fields else absent_field(rows) for rows, fields in parts]) for name in names}


def _merged_slices(parts: Sequence[Mapping[str, SliceStatistics]], names: Iterable[str]) -> dict[str, SliceStatistics]:
    """By value; each slice has all fields, also those that none of its rows has."""
    by_value: dict[str, list[SliceStatistics]] = {}
    for part in parts:
        for value, found in part.items():
            by_value.setdefault(value, []).append(found)
    return {value: _merged_slice(found, names) for value, found in by_value.items()}


def _merged_slice(parts: Sequence[SliceStatistics], names: Iterable[str]) -> SliceStatistics:
    rows = sum(part.rows for part in parts)
    fields = _merged([(part.rows, part.fields) for part in parts])
    return SliceStatistics(rows, {name: fields[name] if name in fields else absent_field(rows) for name in names})


def _summaries(fields: Mapping[str, FieldStatistics]) -> dict[str, FieldSummary]:
    return {name: summary_of(field) for name, field in fields.items()}
