"""What msgspec would let pass, caught on whole columns of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts.column_checks import are_doubles, are_times, are_uuids, bytes_of, have_counts, read_times
from streaming.contracts.fields import Field
from streaming.contracts.nested import NestedColumn
from streaming.contracts.rules import Rule, is_native
from streaming.contracts.structs import Mask, column_of, is_bounded

_YEAR_1_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000
_TEXTS = ("string", "timestamp")
Items = dict[int, Sequence[Any]]
"""Values by the place of their field in the schema."""


class Part(NamedTuple):
    """Rows from start to stop of a batch, in which something of the right type stands in the place of one field's values."""

    name: str
    start: int
    stop: int


class Wrong:
    """What checks of whole columns found wrong: in which rows nothing, and in which just one text."""

    def __init__(self, sound: Mask) -> None:
        """sound: rows that may be right."""
        self.none, self._sound = sound.copy(), sound
        self._count = np.zeros(len(sound), dtype=np.int16)
        self._of: list[tuple[int, Mask]] = []

    def add(self, place: int | None, broken: Mask) -> None:
        """Rows in which a check finds a field's text wrong; of no field where only the whole event tells."""
        if not broken.any():
            return
        self.none &= ~broken
        if place is None:
            self._sound &= ~broken
        else:
            self._count += broken
            self._of.append((place, broken))

    def of(self, place: int) -> Mask:
        """Rows in which a text of this field is wrong."""
        return reduce(np.logical_or, (broken for other, broken in self._of if other == place), np.zeros(len(self.none), dtype=bool))

    def alone(self) -> Iterator[tuple[int, list[int]]]:
        """Fields, and the rows in which one text of the field is wrong and nothing else."""
        once = self._sound & (self._count == 1)
        return ((place, np.flatnonzero(broken & once).tolist()) for place, broken in self._of)


class Judged(NamedTuple):
    """A batch. columns: by place, times as timestamps; ambiguous: rows with a doubled key, an escaped quotation mark or a NUL."""

    columns: dict[int, pa.Array]
    wrong: Wrong
    ambiguous: Mask


class Checks:
    """Everything about the events of one schema that their types do not hold."""

    def __init__(self, fields: Sequence[Field], rules: Sequence[Rule]) -> None:
        """fields: of the schema, in order; rules: those that the fields' types do not hold."""
        self._fields, self._rules = fields, rules
        self._columns = [column_of(field) for field in fields]
        self._places = {field.name: place for place, field in enumerate(fields)}
        self._nested = {place: NestedColumn(field) for place, field in enumerate(fields) if field.kind == "json"}
        self._checked = {place: check for place, field in enumerate(fields) if (check := _check(field))}
        self.needed = [place for place, field in enumerate(fields) if self._is_looked_at(place, field)]

    @property
    def is_wide(self) -> bool:
        """Whether a number may be out of range."""
        return are_doubles in self._checked.values()

    def judge(self, items: Items, values: pa.BinaryArray, parts: Sequence[Part] = (), marks: NDArray[np.int64] | int = 0) -> Judged:
        """Judge the rows of `values`.

        items: of the fields in `needed` at least; nested values are made canonical in it. marks: quotation marks in `values` that
        the items do not account for, as those of what stood where `parts` say.
        """
        sound, quotes = self._read_nested(items, len(values))
        columns, present = dict[int, pa.Array](), dict[int, Mask | bool]()
        for place, found in items.items():
            columns[place], present[place] = self._columns[place](found)
        unambiguous = self._unambiguous(values, columns, present, quotes + marks)
        wrong = Wrong(sound & unambiguous)
        for place, check in self._checked.items():
            wrong.add(place if self._is_text(place) else None, ~check(columns[place]))
        for rule in self._rules:
            self._hold(rule, items, parts, wrong)
        for place, field in enumerate(self._fields):
            if field.kind == "timestamp":
                columns[place] = _times(place, columns[place], wrong)
        return Judged(columns, wrong, ~unambiguous)

    def _hold(self, rule: Rule, items: Items, parts: Sequence[Part], wrong: Wrong) -> None:
        """Hold whole columns to a rule."""
        places = [self._places[name] for name in rule.names]
        broken = ~rule.holds([items[place] for place in places], len(wrong.none))
        alone = len(places) == 1
        for part in parts:
            if part.name in rule.names:  # a field's own rules are told with its value; others need the whole event
                broken[part.start : part.stop] = not alone
            elif part.name not in self._places:
                broken[part.start : part.stop] |= not alone
        wrong.add(places[0] if alone and self._is_text(places[0]) else None, broken)

    def _is_text(self, place: int) -> bool:
        return self._fields[place].kind in _TEXTS

    def _is_looked_at(self, place: int, field: Field) -> bool:
        """Whether something of a field is not known before its values are seen."""
        varies = not field.required or field.kind in ("timestamp", "json") or (field.nullable and field.kind == "string")
        return varies or place in self._checked or any(field.name in rule.names for rule in self._rules)

    def _read_nested(self, items: Items, count: int) -> tuple[Mask, NDArray[np.int64]]:
        """Put canonical text in the place of nested values. Returns which rows' are valid, and the quotation marks in them."""
        good, quotes = np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64)
        for place, column in self._nested.items():
            items[place], valid, marks = column.read(items[place])
            good &= valid
            quotes += marks
        return good, quotes

    def _unambiguous(
        self,
        values: pa.BinaryArray,
        columns: Mapping[int, pa.Array],
        present: Mapping[int, Mask | bool],
        nested: NDArray[np.int64],
    ) -> Mask:
        """Rows without doubled keys, escaped quotation marks and NUL. nested: quotation marks in nested values, which are sound."""
        constant, needed = 0, nested
        for place, field in enumerate(self._fields):
            column, there = columns.get(place), present.get(place, True)
            texts = 1 if field.kind in _TEXTS else 0
            if isinstance(there, bool) and not (texts and column is not None and column.null_count):
                constant += 2 * (texts + there)
            else:
                needed = needed + 2 * (texts * pc.is_valid(column).to_numpy(zero_copy_only=False) + there)
        data, edges = bytes_of(values)
        good = have_counts(data, edges, ord('"'), constant + needed)
        if (data == ord("\\")).any():
            good &= pc.count_substring(values, "\\u0000").to_numpy(zero_copy_only=False) == 0
        return good


def _times(place: int, column: pa.Array, wrong: Wrong) -> pa.Array:
    """Times from text to timestamps; where a time is none, the row is wrong."""
    texts = pc.if_else(pa.array(~wrong.of(place)), column, None)
    times = read_times(texts)
    micros = times.cast(pa.int64())
    inside = pc.and_(pc.greater_equal(micros, _YEAR_1_US), pc.less(micros, _YEAR_10000_US)).fill_null(False)
    wrong.add(place, ~pc.or_(inside, texts.is_null()).to_numpy(zero_copy_only=False))
    return times


def _check(field: Field) -> Any:
    """A check of a column that msgspec cannot do; null passes."""
    if field.kind == "number" and field.choices is None and not is_bounded(field):
        return are_doubles
    if field.kind not in _TEXTS or "format" not in field.limits or not is_native(field, "format"):
        return None
    return are_times if field.kind == "timestamp" else are_uuids
