"""Columns from what has no Arrow type: values of JSON, and texts of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.contracts.statistics.column import CODE, Block, Column, Elements, integers_of, no_integers, no_numbers, number_kinds
from streaming.contracts.validator import compiled, instant

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()
"""Stands for a field that a row does not have."""
_CODES: dict[type, int] = {
    type(ABSENT): CODE["absent"],
    type(None): CODE["null"],
    bool: CODE["boolean"],
    int: CODE["integer"],
    float: CODE["number"],
    str: CODE["string"],
    list: CODE["array"],
    dict: CODE["object"],
}
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$|^[nN]a[nN]$|^-?[iI]nf(inity)?$"
_INTEGER = r"^-?(0|[1-9][0-9]{0,18})$"
_LARGEST = "9223372036854775807"
_is_time = compiled({"type": "string", "format": "date-time"}).is_valid  # the rule that the contract's own check goes by
_NEVER_NUMBERS = ("string", "boolean")
Kinds = Mapping[str, str]
"""Field → kind in the contract, for what a file alone does not tell."""


def block_of_rows(rows: Sequence[Mapping[str, Any]], unreadable: int = 0, kinds: Kinds | None = None) -> Block:
    """A block from rows of JSON values; a field that a row lacks is absent there.

    >>> block_of_rows([{"a": 1}, {"b": None}]).columns["a"].kinds.tolist()
    [3, 0]
    """
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: column_of_values([row.get(name, ABSENT) for row in rows], (kinds or {}).get(name, "")) for name in names}
    return Block(len(rows), columns, unreadable)


def column_of_values(values: Sequence[Any], kind: str = "") -> Column:
    """A column from JSON values (None, bool, int, float, str, list, dict) and ABSENT; kind: of the field in its contract."""
    codes = np.fromiter((_CODES[type(value)] for value in values), np.int8, len(values))
    texts, numbers, integers = _texts(values), _numbers(values), _integers(values)
    codes = np.where(codes == CODE["number"], number_kinds(numbers), codes)
    if kind == "timestamp":
        return _timed(codes, texts)
    if not (codes == CODE["array"]).any():
        return Column(codes, numbers, texts, integers)
    lists = [value if type(value) is list else [] for value in values]
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    elements = Elements(column_of_values([item for items in lists for item in items]), np.repeat(np.arange(len(lists)), lengths), lengths)
    return Column(codes, numbers, texts, integers, elements)


def column_of_texts(texts: pa.Array, kind: str = "") -> Column:
    """A column from the cells of a CSV file, null where empty. What reads as a number is one, unless the contract's kind differs."""
    missing = ~pc.is_valid(texts).to_numpy(zero_copy_only=False)
    codes = np.where(missing, CODE["null"], CODE["string"]).astype(np.int8)
    if kind == "timestamp":
        return _timed(codes, texts)
    if kind == "boolean":
        codes[_true(pc.is_in(texts, pa.array(["true", "false"])))] = CODE["boolean"]
    if kind in _NEVER_NUMBERS:
        return Column(codes, no_numbers(texts), texts, no_integers(texts))
    numeric = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), False)
    numbers = pc.if_else(numeric, texts, None).cast(pa.float64())
    digits = pc.if_else(_within_64_bits(texts), texts, None).cast(pa.int64())
    codes = np.where(numeric.to_numpy(zero_copy_only=False), number_kinds(numbers), codes)
    return Column(codes, numbers, pc.if_else(numeric, None, texts), pc.coalesce(digits, integers_of(numbers)))


def _within_64_bits(texts: pa.Array) -> pa.Array:
    """Which texts are whole numbers that int64 surely holds: of 19 digits those up to its largest."""
    digits = pc.utf8_ltrim(texts, "-")
    return pc.and_(
        pc.match_substring_regex(texts, _INTEGER), pc.or_(pc.less(pc.utf8_length(digits), len(_LARGEST)), pc.less_equal(digits, _LARGEST))
    )


def _true(mask: pa.Array) -> Any:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _texts(values: Sequence[Any]) -> pa.Array:
    words = {True: "true", False: "false"}
    return pa.array([value if type(value) is str else words[value] if type(value) is bool else None for value in values], pa.string())


def _numbers(values: Sequence[Any]) -> pa.Array:
    return pa.array([_float(value) if type(value) in (int, float) else None for value in values], pa.float64())


def _integers(values: Sequence[Any]) -> pa.Array:
    """Integers as written, and floats that are one: 3.0 is 3."""
    fitting = [value if type(value) is int and -(2**63) <= value < 2**63 else None for value in values]
    floats = pa.array([value if type(value) is float else None for value in values], pa.float64())
    return pc.coalesce(pa.array(fitting, pa.int64()), integers_of(floats))


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _timed(codes: Any, texts: pa.Array) -> Column:
    """Texts that are RFC 3339 times become seconds since 1970; the others stay texts."""
    seconds = [_seconds(text) for text in texts.to_pylist()]
    timed = np.fromiter((second is not None for second in seconds), bool, len(seconds))
    codes = np.where(timed, CODE["timestamp"], codes).astype(np.int8)
    numbers = pa.array(seconds, pa.float64())
    return Column(codes, numbers, pc.if_else(pa.array(timed), None, texts), integers_of(numbers))


def _seconds(text: str | None) -> float | None:
    moment = instant(text) if text is not None and _is_time(text) else None
    return None if moment is None else moment.timestamp()
