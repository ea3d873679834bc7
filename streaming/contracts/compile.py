r"""The fast path: a msgspec Struct made from the fields, whole batches into Arrow columns.

It accepts a row only where the exact path would, with the same values; every other row it leaves to the exact path.
What msgspec itself would let pass is caught on whole columns:

- duplicate keys (the last wins silently): the value's quotation marks must be as many as the decoded keys and strings
  need; a doubled key needs more, and so does an escaped quotation mark, which is merely slower. No row has fewer than
  it needs, so that one sum tells of a whole batch whether any row has more;
- NUL characters, which PostgreSQL's text cannot hold: any value with the text `\u0000`;
- times: decoded as text, held to RFC 3339 by a regular expression, parsed by Arrow as a column;
- rules that no type can state, and fields of any shape: see `rules` and `nested`, which judge each distinct value once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Union

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Meta, Raw, UnsetType
from numpy.typing import NDArray

from streaming.contracts.fields import Field
from streaming.contracts.nested import NestedColumn
from streaming.contracts.rules import Rule, is_native
from streaming.contracts.validator import instant
from streaming.records import INSTANT

_UUID = "x" * 8 + "-xxxx" * 3 + "-" + "x" * 12
# Everything about a time but the length of its month, which Arrow checks; finer than microseconds is for the exact path.
_TIME = (
    r"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z"
)
_YEAR_1_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000
_META = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
}
_PYTHON: dict[str, type] = {"string": str, "timestamp": str, "integer": int, "number": float, "boolean": bool, "json": Raw}
_CLASSES = np.full(256, ord(" "), dtype=np.uint8)  # what a byte may be in a UUID: x for a hexadecimal digit, - for itself
_CLASSES[list(b"0123456789abcdefABCDEF")] = ord("x")
_CLASSES[ord("-")] = ord("-")
_UUID_CLASSES = np.frombuffer(_UUID.encode(), dtype=np.uint32)
Mask = NDArray[np.bool_]


class FastPath:
    """Decodes a batch of events of one schema into columns."""

    def __init__(self, fields: Sequence[Field], rules: Sequence[Rule]) -> None:
        """fields: of the schema, in order; rules: those that the fields' types do not hold."""
        self._fields, self._rules = fields, rules
        self._decode = msgspec.json.Decoder(_struct(fields)).decode
        self._checks = [check for field in fields if (check := _column_check(field))]
        self._places = {field.name: place for place, field in enumerate(fields)}
        self._nested = {place: NestedColumn(field) for place, field in enumerate(fields) if field.kind == "json"}

    def decode(self, values: pa.BinaryArray) -> tuple[list[pa.Array], NDArray[np.int64]]:
        """Columns of the rows that are surely valid, and these rows' places in `values`, ascending.

        values: no nulls. All other rows are for the exact path.
        """
        rows, places = self._structs(values.to_pylist())
        if not rows:
            return [pa.array([], field.arrow) for field in self._fields], places
        with _uncollected():
            items: list[Sequence[Any]] = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        good, quotes = self._read_nested(items, len(rows))
        columns, present = zip(*(_column(field, item) for field, item in zip(self._fields, items, strict=True)), strict=True)
        kept = values if len(places) == len(values) else values.take(pa.array(places))
        good &= self._unambiguous(kept, columns, present, quotes)
        for name, check in self._checks:
            good &= check(columns[self._places[name]])
        for rule in self._rules:
            good &= rule.holds([items[self._places[name]] for name in rule.names], len(rows))
        arrays = [self._typed(field, column, good) for field, column in zip(self._fields, columns, strict=True)]
        return (arrays, places) if good.all() else ([array.filter(pa.array(good)) for array in arrays], places[good])

    def _read_nested(self, items: list[Sequence[Any]], count: int) -> tuple[Mask, NDArray[np.int64]]:
        """Put canonical text in the place of nested values. Returns which rows' are valid, and the quotation marks in them."""
        good, quotes = np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64)
        for place, column in self._nested.items():
            items[place], valid, marks = column.read(items[place])
            good &= valid
            quotes += marks
        return good, quotes

    def _structs(self, texts: list[bytes]) -> tuple[list[Any], NDArray[np.int64]]:
        rows: list[Any] = []
        refused: list[int] = []
        decoded = map(self._decode, texts)
        while True:
            try:
                rows.extend(decoded)  # keeps what came before an error, and `decoded` goes on after it
                return rows, np.delete(np.arange(len(texts)), refused)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                refused.append(len(rows) + len(refused))

    def _unambiguous(
        self, values: pa.BinaryArray, columns: Sequence[pa.Array], present: Sequence[Mask | bool], nested: NDArray[np.int64]
    ) -> Mask:
        """Rows without duplicate keys, escaped quotation marks and NUL. nested: quotation marks in nested values, which are sound."""
        constant, needed = 0, nested
        for field, column, there in zip(self._fields, columns, present, strict=True):
            texts = 1 if field.kind in ("string", "timestamp") else 0
            if isinstance(there, bool) and not (texts and column.null_count):
                constant += 2 * (texts + there)
            else:
                needed = needed + 2 * (texts * pc.is_valid(column).to_numpy(zero_copy_only=False) + there)
        data, edges = _bytes(values)
        good: Mask = np.ones(len(values), dtype=bool)
        if np.count_nonzero(data == ord('"')) != constant * len(values) + needed.sum():
            good = _counts(data, edges, ord('"')) == constant + needed
        if (data == ord("\\")).any():
            good &= pc.count_substring(values, "\\u0000").to_numpy(zero_copy_only=False) == 0
        return good

    def _typed(self, field: Field, column: pa.Array, good: Mask) -> pa.Array:
        """Times from text to timestamps; the rows whose time is none are struck from `good`."""
        if field.kind != "timestamp":
            return column
        times = _times(pc.if_else(pa.array(good), column, None))
        micros = times.cast(pa.int64())
        inside = pc.and_(pc.greater_equal(micros, _YEAR_1_US), pc.less(micros, _YEAR_10000_US)).fill_null(False)
        good &= pc.or_(inside, column.is_null()).to_numpy(zero_copy_only=False)
        return times


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: ten thousand tuples of scalars have none, and looking for them takes as long as making them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _bytes(values: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All bytes of a binary or text column one after the other, and where each value begins; the last edge is the end."""
    large = values.cast(pa.large_binary())
    _, offsets, data = large.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
    return np.frombuffer(data, dtype=np.uint8)[edges[0] : edges[-1]], edges - edges[0]


def _counts(data: NDArray[np.uint8], edges: NDArray[np.int64], character: int) -> NDArray[np.int64]:
    """How often a one-byte character stands in each value; four times as fast as Arrow's count_substring."""
    counts: NDArray[np.int64] = np.diff(np.searchsorted(np.flatnonzero(data == character), edges))
    return counts


def _struct(fields: Sequence[Field]) -> type[msgspec.Struct]:
    # Fields without a default come first in a Struct that can be built by position; the order here is the schema's, so kw_only.
    members = [(f"f{i}", _annotation(f), *(() if f.required else (UNSET,))) for i, f in enumerate(fields)]
    names = {f"f{i}": field.name for i, field in enumerate(fields)}
    return msgspec.defstruct("Event", members, kw_only=True, forbid_unknown_fields=True, rename=names, gc=False)


def _annotation(field: Field) -> Any:
    kind: Any = _PYTHON[field.kind]
    if field.choices is not None:
        kind = Literal[field.choices]
    elif field.kind != "json":
        cast = float if field.kind == "number" else int
        native = [keyword for keyword in _META if keyword in field.limits and is_native(field, keyword)]
        limits: dict[str, Any] = {_META[keyword]: cast(field.limits[keyword]) for keyword in native}
        kind = Annotated[kind, Meta(**limits)] if limits else kind
    nullable = field.nullable and field.kind != "json"  # a Raw takes null as well
    extra = [*([None] if nullable else []), *([] if field.required else [UnsetType])]
    return Union[(kind, *extra)] if extra else kind


def _column(field: Field, items: Sequence[Any]) -> tuple[pa.Array, Mask | bool]:
    """A field's values as a column (times still as text), and in which rows the field is there."""
    kind = pa.string() if field.kind == "timestamp" else field.arrow
    if not field.required and UNSET in items:
        present = np.fromiter((item is not UNSET for item in items), dtype=bool, count=len(items))
        return pa.array([None if item is UNSET else item for item in items], kind), present
    if field.kind in ("integer", "number") and not field.nullable:
        return pa.array(np.fromiter(items, kind.to_pandas_dtype(), len(items))), True
    return pa.array(items, kind), True


def _column_check(field: Field) -> tuple[str, Callable[[pa.Array], Mask]] | None:
    """A check of a text column that msgspec cannot do; null passes."""
    if field.kind not in ("string", "timestamp") or "format" not in field.limits or not is_native(field, "format"):
        return None
    return field.name, _are_times if field.kind == "timestamp" else _are_uuids


def _are_times(column: pa.Array) -> Mask:
    found: Mask = pc.match_substring_regex(column, _TIME).fill_null(True).to_numpy(zero_copy_only=False)
    return found


def _are_uuids(column: pa.Array) -> Mask:
    """By one look at all bytes: five times as fast as a regular expression."""
    sizes = pc.binary_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    found: Mask = sizes == -1
    rows = np.flatnonzero(sizes == len(_UUID))
    data, _ = _bytes(column if len(rows) == len(column) else column.take(pa.array(rows)))
    found[rows] = (_CLASSES[data].view(np.uint32).reshape(len(rows), len(_UUID_CLASSES)) == _UUID_CLASSES).all(axis=1)
    return found


def _times(texts: pa.Array) -> pa.Array:
    try:
        return pc.cast(texts, INSTANT)
    except pa.ArrowInvalid:  # somewhere a 30th of February: find it one by one
        return pa.array([None if text is None else instant(text) for text in texts.to_pylist()], INSTANT)
