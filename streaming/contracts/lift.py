"""Lift: events of another version as events of the version that the model reads.

Where it is proved that every event is valid after the move (`evolution`), whole columns are moved and nothing is looked at
twice. Otherwise each event is moved as JSON and held to the model's version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from streaming.contracts.evolution import breaks_of
from streaming.contracts.fields import Field
from streaming.contracts.move import Move, move_along
from streaming.contracts.nested import canonical
from streaming.contracts.reasons import Reason
from streaming.contracts.schema import Contract, Decoded
from streaming.contracts.validator import instant
from streaming.records import event_column

RULE = "schema_version"


@dataclass(frozen=True)
class Lift:
    """The lift from one version to another, in either direction."""

    move: Move

    @cached_property
    def proved(self) -> bool:
        """Whether every event of the source is valid after the move, and can be moved as columns."""
        return not breaks_of(self.move) and all(self._movable(field) for field in self.move.target.fields)

    def __call__(self, values: pa.BinaryArray, decoded: pa.RecordBatch) -> Decoded:
        """Lift valid events of the source.

        values: their JSON texts; decoded: the same rows as the source's columns. Returns rows with the target's columns; the
        rejected have reasons with the rule `schema_version`, each saying what the target misses. Raises nothing.
        """
        if self.proved:
            columns = [self._column(field, decoded) for field in self.move.target.fields]
            rows = pa.RecordBatch.from_arrays(columns, schema=self.move.target.arrow_schema)
            return Decoded(rows, np.arange(decoded.num_rows, dtype=np.int64), {})
        texts = [json.dumps(self.move.event(json.loads(value))).encode() for value in values.to_pylist()]
        lifted = self.move.target.decode(pa.array(texts, pa.binary()))
        return Decoded(lifted.rows, lifted.places, {place: self._told(reasons) for place, reasons in lifted.rejected.items()})

    def _movable(self, field: Field) -> bool:
        """Whether a column has all that the move needs: null and absent are the same in it."""
        old = next((old for old in self.move.source.fields if old.name == self.move.names.get(field.name)), None)
        if old is None:
            return True
        filled = field.required and field.name in self.move.defaults
        whole = pa.types.is_int64(old.arrow) and pa.types.is_float64(field.arrow)
        return (old.kind == field.kind or whole) and not (filled and old.nullable and field.nullable)

    def _column(self, field: Field, decoded: pa.RecordBatch) -> pa.Array:
        name = self.move.names.get(field.name)
        default = pa.scalar(_cell(field, self.move.defaults.get(field.name)), field.arrow)
        if name is None:
            return pa.repeat(default, decoded.num_rows)
        column = decoded.column(event_column(name))
        column = column if column.type == field.arrow else column.cast(field.arrow, safe=False)
        return column.fill_null(default) if field.required and column.null_count and default.is_valid else column

    def _told(self, reasons: Sequence[Reason]) -> list[Reason]:
        source, target = self.move.source.version, self.move.target.version
        return [Reason(r.path, RULE, r.value, f"{target} (of v{source}, lifted): {r.rule} {r.expected}".rstrip()) for r in reasons]


def lift(old: Contract, new: Contract, between: Sequence[Contract] = ()) -> Lift:
    """The lift of events of `old` to `new` by the defaults and renames that the newer of them and those between declare.

    between: versions between the two, in the same order. Newer events are brought to an older version by leaving out what
    it does not know.
    """
    return Lift(move_along([old, *between, new]))


def _cell(field: Field, value: Any) -> Any:
    """A default as a value of the field's column."""
    if value is None or field.kind in ("string", "boolean"):
        return value
    if field.kind == "timestamp":
        return instant(value)
    if field.kind == "json":
        return canonical(value)
    return int(value) if field.kind == "integer" else float(value)
