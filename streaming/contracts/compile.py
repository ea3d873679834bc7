r"""The fast path: a msgspec Struct made from the fields, whole batches into Arrow columns.

It accepts a row only where the exact path would, with the same values, and tells the reasons only where they are surely those
of the exact path (see `one_fault`); every other row it leaves to the exact path.
What msgspec itself would let pass is caught on whole columns:

- duplicate keys (the last wins silently): the value's quotation marks must be as many as the decoded keys and strings
  need; a doubled key needs more, and so does an escaped quotation mark, which is merely slower. No row has fewer than
  it needs, so that one sum tells of a whole batch whether any row has more;
- NUL characters, which PostgreSQL's text cannot hold: any value with the text `\u0000`;
- integers beyond 64 bits in a field of numbers: any number as large is left to the exact path;
- times: decoded as text, held to RFC 3339 by a regular expression, parsed by Arrow as a column;
- rules that no type can state, and fields of any shape: see `rules` and `nested`, which judge each distinct value once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Annotated, Any, Literal, Union

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Meta, Raw, UnsetType
from numpy.typing import NDArray

from streaming.contracts.column_checks import are_doubles, are_times, are_uuids, bytes_of, have_counts, read_times
from streaming.contracts.fields import Field
from streaming.contracts.nested import NestedColumn
from streaming.contracts.one_fault import Alone, Fault, OneFault
from streaming.contracts.reasons import Reason
from streaming.contracts.rules import LONGEST, Rule, is_native
from streaming.contracts.strict_json import parse

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
Mask = NDArray[np.bool_]


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


class FastPath:
    """Decodes a batch of events of one schema into columns."""

    def __init__(self, fields: Sequence[Field], rules: Sequence[Rule], alone: Alone) -> None:
        """fields: of the schema, in order; rules: those that the fields' types do not hold; alone: of the schema."""
        self._fields, self._rules, self._alone = fields, rules, alone
        self._decode = msgspec.json.Decoder(_struct(fields)).decode
        self._checks = [check for field in fields if (check := _column_check(field))]
        self._places = {field.name: place for place, field in enumerate(fields)}
        self._one_fault = OneFault(fields, _struct, alone, wide=any(check is are_doubles for _, check in self._checks))
        self._nested = {place: NestedColumn(field) for place, field in enumerate(fields) if field.kind == "json"}

    @_uncollected()
    def decode(self, values: pa.BinaryArray) -> tuple[list[pa.Array], NDArray[np.int64], dict[int, list[Reason]]]:
        """Columns of the rows that are surely valid, these rows' places in `values`, ascending, and the reasons of some others by place.

        values: no nulls. The rows with neither values nor reasons are for the exact path.
        """
        rows, places, faults, reasons = self._rows(values.to_pylist())
        items: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if not rows:
            return [pa.array([], field.arrow) for field in self._fields], places, reasons
        good, quotes = self._read_nested(items, len(rows))
        loosened = np.fromiter(faults, dtype=np.int64)
        quotes[loosened] += np.fromiter((fault.quotes for fault in faults.values()), dtype=np.int64)
        columns, present = zip(*(_column(field, item) for field, item in zip(self._fields, items, strict=True)), strict=True)
        kept = values if len(places) == len(values) else values.take(pa.array(places))
        unambiguous = self._unambiguous(kept, columns, present, quotes)
        wrong = _Wrong(good & unambiguous)
        self._judge(columns, items, faults, wrong)
        arrays = [self._typed(field, column, wrong) for field, column in zip(self._fields, columns, strict=True)]
        told = self._told(items, faults, wrong) | self._doubled(kept, np.flatnonzero(~unambiguous), faults)
        good = wrong.none
        good[loosened] = False
        reasons |= {int(places[row]): list(found) for row, found in told.items() if found}
        return (arrays, places, reasons) if good.all() else ([array.filter(pa.array(good)) for array in arrays], places[good], reasons)

    def _judge(self, columns: Sequence[pa.Array], items: Sequence[Sequence[Any]], faults: Mapping[int, Fault], wrong: _Wrong) -> None:
        """Hold whole columns to all that msgspec cannot check."""
        for name, check in self._checks:
            wrong.add(name if self._is_text(name) else None, ~check(columns[self._places[name]]))
        for rule in self._rules:
            broken = ~rule.holds([items[self._places[name]] for name in rule.names], len(items[0]))
            alone = len(rule.names) == 1
            for row, fault in faults.items():
                if fault.name in rule.names:  # its own rules are told with the value; others need the whole event
                    broken[row] = not alone
                elif fault.name not in self._places:
                    broken[row] |= not alone
            wrong.add(rule.names[0] if alone and self._is_text(rule.names[0]) else None, broken)

    def _is_text(self, name: str) -> bool:
        return self._fields[self._places[name]].kind in ("string", "timestamp")

    def _told(self, items: Sequence[Sequence[Any]], faults: Mapping[int, Fault], wrong: _Wrong) -> dict[int, Sequence[Reason]]:
        """The reasons of rows with one fault, by row."""
        told = {row: fault.reasons for row, fault in faults.items() if wrong.none[row]}
        for name, row in wrong.alone():
            if row not in faults:
                told[row] = self._alone.reasons(name, msgspec.json.encode(items[self._places[name]][row]))
        return told

    def _doubled(self, values: pa.BinaryArray, rows: NDArray[np.int64], faults: Mapping[int, Fault]) -> dict[int, Sequence[Reason]]:
        """The reasons of rows in which a key stands twice and that are sound otherwise."""
        texts = zip(rows.tolist(), values.take(pa.array(rows)).to_pylist(), strict=True)
        return {row: self._one_fault.doubled(text) for row, text in texts if row not in faults}

    def _read_nested(self, items: list[Sequence[Any]], count: int) -> tuple[Mask, NDArray[np.int64]]:
        """Put canonical text in the place of nested values. Returns which rows' are valid, and the quotation marks in them."""
        good, quotes = np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64)
        for place, column in self._nested.items():
            items[place], valid, marks = column.read(items[place])
            good &= valid
            quotes += marks
        return good, quotes

    def _rows(self, texts: list[bytes]) -> tuple[list[tuple[Any, ...]], NDArray[np.int64], dict[int, Fault], dict[int, list[Reason]]]:
        """The rows that the types take, their places, by row the one fault of those that they take but for it, by place what is no JSON."""
        rows: list[tuple[Any, ...]] = []
        refused: dict[int, list[Reason]] = {}
        faults: dict[int, Fault] = {}
        decoded = map(msgspec.structs.astuple, map(self._decode, texts))
        while True:
            try:
                rows.extend(decoded)  # keeps what came before an error, and `decoded` goes on after it
                break
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                place = len(rows) + len(refused)
                fault = self._one_fault.read(texts[place], error)
                if fault is not None:
                    faults[len(rows)] = fault
                    rows.append(fault.row)
                else:
                    refused[place] = [] if isinstance(error, msgspec.ValidationError) else parse(texts[place])[1]
        places = np.delete(np.arange(len(texts)), np.fromiter(refused, dtype=np.int64))
        return rows, places, faults, {place: reasons for place, reasons in refused.items() if reasons}

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
        data, edges = bytes_of(values)
        good = have_counts(data, edges, ord('"'), constant + needed)
        if (data == ord("\\")).any():
            good &= pc.count_substring(values, "\\u0000").to_numpy(zero_copy_only=False) == 0
        return good

    def _typed(self, field: Field, column: pa.Array, wrong: _Wrong) -> pa.Array:
        """Times from text to timestamps; where a time is none, the row is wrong."""
        if field.kind != "timestamp":
            return column
        texts = pc.if_else(pa.array(~wrong.of(field.name)), column, None)
        times = read_times(texts)
        micros = times.cast(pa.int64())
        inside = pc.and_(pc.greater_equal(micros, _YEAR_1_US), pc.less(micros, _YEAR_10000_US)).fill_null(False)
        wrong.add(field.name, ~pc.or_(inside, texts.is_null()).to_numpy(zero_copy_only=False))
        return times


class _Wrong:
    """What checks of whole columns found wrong: in which rows nothing, and in which just one text."""

    def __init__(self, sound: Mask) -> None:
        self.none, self._sound = sound.copy(), sound
        self._count = np.zeros(len(sound), dtype=np.int16)
        self._of: list[tuple[str, Mask]] = []

    def add(self, name: str | None, broken: Mask) -> None:
        """Rows that a check of a field finds wrong; of no field where only the whole event tells."""
        if not broken.any():
            return
        self.none &= ~broken
        if name is None:
            self._sound &= ~broken
        else:
            self._count += broken
            self._of.append((name, broken))

    def of(self, name: str) -> Mask:
        """Rows in which a text of this field is wrong."""
        return reduce(np.logical_or, (broken for other, broken in self._of if other == name), np.zeros(len(self.none), dtype=bool))

    def alone(self) -> Iterator[tuple[str, int]]:
        """Fields and rows in which one text is wrong and nothing else."""
        once = self._sound & (self._count == 1)
        return ((name, row) for name, broken in self._of for row in np.flatnonzero(broken & once).tolist())


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
        limits = _limits(field)
        kind = Annotated[kind, Meta(**limits)] if limits else kind
    nullable = field.nullable and field.kind != "json"  # a Raw takes null as well
    extra = [*([None] if nullable else []), *([] if field.required else [UnsetType])]
    return Union[(kind, *extra)] if extra else kind


def _limits(field: Field) -> dict[str, Any]:
    """The bounds and lengths of a field as msgspec names them; of two bounds on one side, of which it takes one, the tighter."""
    cast = float if field.kind == "number" else int
    native = {keyword: cast(field.limits[keyword]) for keyword in _META if keyword in field.limits and is_native(field, keyword)}
    for plain, exclusive, tighter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
        if plain in native and exclusive in native:
            del native[plain if tighter(native[plain], native[exclusive]) == native[exclusive] else exclusive]
    if native.get("maxLength", 0) > LONGEST:
        del native["maxLength"]  # every text keeps it
    return {_META[keyword]: limit for keyword, limit in native.items()}


def _is_bounded(field: Field) -> bool:
    """Whether msgspec holds numbers on both sides, each far within 64 bits."""
    return len({keyword[0] for keyword in _limits(field)} & {"g", "l"}) == 2


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
    """A check of a column that msgspec cannot do; null passes."""
    if field.kind == "number" and field.choices is None and not _is_bounded(field):
        return field.name, are_doubles
    if field.kind not in ("string", "timestamp") or "format" not in field.limits or not is_native(field, "format"):
        return None
    return field.name, are_times if field.kind == "timestamp" else are_uuids
