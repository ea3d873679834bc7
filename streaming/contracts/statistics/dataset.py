"""Statistics of a data set or of a window of a topic: of every field, of slices, of pairs of fields; one pass, mergeable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256

import msgspec
import numpy as np
import pyarrow.compute as pc

from streaming.contracts.statistics.anomaly import shown_name
from streaming.contracts.statistics.column import Block
from streaming.contracts.statistics.field import FieldStatistics, FieldSummary, absent_field, count_field, merge_fields, summary_of
from streaming.contracts.statistics.pairs import MOST_CATEGORICAL, MOST_NUMERIC, MOST_VALUES, Pairs, count_pairs, merge_pairs
from streaming.contracts.statistics.sketches import SHOWN_TEXT
from streaming.contracts.statistics.source import check_fields

MOST_SLICES = 100
"""Values of a field that the data are sliced by; a field with more is not a slice, and is named in `unsliced`."""
LONGEST_NAME = 512
"""Characters of a field's name that are kept: a stranger's may be megabytes."""


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
    """Statistics for a reader: no sketches, numbers ready to print.

    unsliced, unassociated: fields with too many values; crowded: there are too many fields for any correlation or association.
    """

    rows: int
    unreadable: int
    fields: dict[str, FieldSummary]
    slices: dict[str, dict[str, SliceSummary]]
    unsliced: list[str]
    correlation: list[PairSummary]
    association: list[PairSummary]
    unassociated: list[str]
    crowded: bool = False


def describe(
    blocks: Iterable[Block], *, slices: Sequence[str] = (), personal: Collection[str] = (), categories: Collection[str] = ()
) -> Statistics:
    """Statistics of all blocks in one pass.

    slices: fields to slice by; personal: fields whose values are not kept; categories: fields whose numbers are codes, and are
    associated as texts are. A name of more than LONGEST_NAME characters is cut, and ends in a digest of all of it.
    Raises DataError if there are more than MOST_FIELDS different fields.

    >>> from streaming.contracts.statistics.parse import block_of_rows
    >>> describe([block_of_rows([{"a": 1}, {"a": None}])]).fields["a"].null
    1
    """
    counted = empty(slices)
    for block in map(_named, blocks):
        check_fields(len(counted.fields.keys() | block.columns.keys()))
        counted = merge_statistics([counted, count_block(block, slices=slices, personal=personal, categories=categories)])
    return counted


def _named(block: Block) -> Block:
    if all(len(name) <= LONGEST_NAME for name in block.columns):
        return block
    return Block(block.rows, {_short(name): column for name, column in block.columns.items()}, block.unreadable)


def _short(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name[: LONGEST_NAME - len(digest) - 1]}…{digest}"


def empty(slices: Sequence[str] = ()) -> Statistics:
    """Statistics of no rows."""
    return Statistics(0, 0, {}, {name: {} for name in slices}, [], Pairs())


def count_block(
    block: Block, *, slices: Sequence[str] = (), personal: Collection[str] = (), categories: Collection[str] = ()
) -> Statistics:
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
        count_pairs(Block(block.rows, open_columns), categories),
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
        pairs.crowded,
    )


def left_out(summary: Summary) -> list[str]:
    """What was not counted because there is too much of it, a line each.

    >>> left_out(Summary(1, 0, {}, {}, ["id"], [], [], [], crowded=True))
    ['not sliced by id: more than 100 values, or personal', 'no correlation or association: more than 100 numeric or 40 textual fields']
    """
    lines = [f"not sliced by {shown_name(name)}: more than {MOST_SLICES} values, or personal" for name in summary.unsliced]
    if summary.unassociated:
        lines.append(f"not associated: {', '.join(map(shown_name, summary.unassociated))}: more than {MOST_VALUES} values")
    if summary.crowded:
        lines.append(f"no correlation or association: more than {MOST_NUMERIC} numeric or {MOST_CATEGORICAL} textual fields")
    return lines


def _fields(block: Block, personal: Collection[str]) -> dict[str, FieldStatistics]:
    return {name: count_field(column, hide_values=name in personal) for name, column in block.columns.items()}


def _sliced(block: Block, name: str, personal: Collection[str]) -> dict[str, SliceStatistics] | None:
    """By value of a field; None if there are too many. Rows without a value are in no slice."""
    column = block.columns.get(name)
    if column is None:
        return {}
    values = pc.utf8_slice_codeunits(column.as_texts(), 0, SHOWN_TEXT)
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
