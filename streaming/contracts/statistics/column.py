"""One field of a block of rows, by kind of value: what statistics are counted from, whatever file or message it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Kind = Literal["absent", "null", "boolean", "integer", "number", "string", "timestamp", "array", "object", "binary"]
KINDS: tuple[Kind, ...] = ("absent", "null", "boolean", "integer", "number", "string", "timestamp", "array", "object", "binary")
CODE: Mapping[Kind, int] = {kind: code for code, kind in enumerate(KINDS)}
MISSING = CODE["null"]
"""Kinds up to this one have no value."""
Codes = NDArray[np.int8]
_EXACT = 2.0**53
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


@dataclass(frozen=True)
class Elements:
    """What lies in the lists of a column, one after the other. parents: the row of each value, int64, ascending; lengths: by row."""

    values: Column
    parents: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Elements:
        """The elements of some rows, ascending."""
        kept = np.flatnonzero(np.isin(self.parents, rows))
        return Elements(self.values.take(kept), np.searchsorted(rows, self.parents[kept]), self.lengths[rows])


@dataclass(frozen=True)
class Column:
    """A field in `rows` rows.

    kinds: code of each value's kind, int8; numbers: float64, null where the value is none; a timestamp is seconds since 1970;
    texts: string, null where the value is none, booleans as true and false; integers: int64, null where the value is none:
    all digits of what a float64 may have rounded.
    """

    kinds: Codes
    numbers: pa.Array
    texts: pa.Array
    integers: pa.Array
    elements: Elements | None = None

    def as_texts(self) -> pa.Array:
        """Each scalar value as a text, null where there is none. The same value has the same text in every block."""
        return pc.coalesce(self.texts, self.integers.cast(pa.string()), self.numbers.cast(pa.string()))

    def take(self, rows: NDArray[np.int64]) -> Column:
        """Some rows, int64, ascending."""
        places = pa.array(rows)
        elements = self.elements.take(rows) if self.elements else None
        return Column(self.kinds[rows], self.numbers.take(places), self.texts.take(places), self.integers.take(places), elements)


@dataclass(frozen=True)
class Block:
    """Some rows of a table or a stream. unreadable: messages or lines that hold no row."""

    rows: int
    columns: Mapping[str, Column]
    unreadable: int = 0

    def take(self, rows: NDArray[np.int64]) -> Block:
        """Some rows, int64, ascending."""
        return Block(len(rows), {name: column.take(rows) for name, column in self.columns.items()})


def block_of(batch: pa.RecordBatch) -> Block:
    """A block from a record batch. An Arrow null is a null; nothing is absent."""
    return Block(batch.num_rows, {name: column_of(array) for name, array in zip(batch.schema.names, batch.columns, strict=True)})


def column_of(array: pa.Array) -> Column:
    """A column from an Arrow array of any type; dictionaries are decoded, what is neither number nor text counts by its kind only."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return column_of(array.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return column_of(pc.run_end_decode(array))
    if isinstance(kind, pa.BaseExtensionType):
        return column_of(array.storage)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(array)
    if pa.types.is_temporal(kind) and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        seconds = _seconds(array)
        return Column(_kinds(array, "timestamp"), seconds, no_texts(array), integers_of(seconds))
    if pa.types.is_integer(kind):
        return Column(_kinds(array, "integer"), array.cast(pa.float64(), safe=False), no_texts(array), _fitting(array))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = array.cast(pa.float64(), safe=False)
        return Column(number_kinds(numbers), numbers, no_texts(array), integers_of(numbers))
    return _of_texts(array)


def _seconds(array: pa.Array) -> pa.Array:
    """Dates and times as seconds since 1970, float64; what is finer than a microsecond is cut off."""
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    counts, unit = array.cast(pa.int64()), array.type.unit
    if unit == "ns":
        counts, unit = pc.divide(counts, 1000), "us"
    return pc.divide(counts.cast(pa.float64(), safe=False), {"s": 1.0, "ms": 1e3, "us": 1e6}[unit])


def number_kinds(numbers: pa.Array) -> Codes:
    """Kinds of float64 numbers: 3.0 is an integer, as JSON Schema has it.

    >>> [KINDS[code] for code in number_kinds(pa.array([3.0, 0.5, None]))]
    ['integer', 'number', 'null']
    """
    whole = pc.fill_null(pc.and_(pc.is_finite(numbers), pc.equal(numbers, pc.floor(numbers))), False)
    codes = np.where(whole.to_numpy(zero_copy_only=False), CODE["integer"], CODE["number"])
    return np.where(pc.is_valid(numbers).to_numpy(zero_copy_only=False), codes, MISSING).astype(np.int8)


def _of_texts(array: pa.Array) -> Column:
    kind = array.type
    if any(is_one(kind) for is_one in _BINARY):
        return _bare(array, "binary")
    if pa.types.is_nested(kind) or pa.types.is_union(kind) or pa.types.is_interval(kind):
        return _bare(array, "object")
    if pa.types.is_null(kind):
        return _bare(array, "null")
    kinds = _kinds(array, "boolean" if pa.types.is_boolean(kind) else "string")
    return Column(kinds, no_numbers(array), array.cast(pa.string()), no_integers(array))


def integers_of(numbers: pa.Array) -> pa.Array:
    """Whole float64 numbers that were surely not rounded as int64, null elsewhere.

    >>> integers_of(pa.array([3.0, 0.5, 1e300])).to_pylist()
    [3, None, None]
    """
    whole = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less_equal(pc.abs(numbers), _EXACT))
    return pc.if_else(whole, numbers, None).cast(pa.int64())


def _fitting(array: pa.Array) -> pa.Array:
    """Integers as int64, null where one does not fit."""
    if pa.types.is_uint64(array.type):
        array = pc.if_else(pc.less_equal(array, pa.scalar(2**63 - 1, pa.uint64())), array, None)
    return array.cast(pa.int64())


def no_numbers(array: pa.Array) -> pa.Array:
    """As many float64 nulls as the array is long."""
    return pa.nulls(len(array), pa.float64())


def no_integers(array: pa.Array) -> pa.Array:
    """As many int64 nulls as the array is long."""
    return pa.nulls(len(array), pa.int64())


def no_texts(array: pa.Array) -> pa.Array:
    """As many string nulls as the array is long."""
    return pa.nulls(len(array), pa.string())


def _bare(array: pa.Array, kind: Kind, elements: Elements | None = None) -> Column:
    return Column(_kinds(array, kind), no_numbers(array), no_texts(array), no_integers(array), elements)


def _kinds(array: pa.Array, kind: Kind) -> Codes:
    return np.where(pc.is_valid(array).to_numpy(zero_copy_only=False), CODE[kind], MISSING).astype(np.int8)


def _lists(array: pa.Array) -> Column:
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    values = column_of(pc.list_flatten(array))
    elements = Elements(values, np.repeat(np.arange(len(array)), lengths), lengths)
    return _bare(array, "array", elements)
