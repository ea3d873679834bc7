"""A schema's fields as a msgspec Struct, and as columns: member `f<i>` of the Struct is the field in place i."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Meta, Raw, UnsetType
from numpy.typing import NDArray

from streaming.contracts.fields import Field
from streaming.contracts.rules import LONGEST, is_native

_META = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
}
_PYTHON: dict[str, type] = {"string": str, "timestamp": str, "integer": int, "number": float, "boolean": bool, "json": Raw}
_BYTE = range(256)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no event."""
Mask = NDArray[np.bool_]
Column = tuple[pa.Array, "Mask | bool"]
"""A field's values (times still as text), and in which rows the field is there."""
Item = TypeVar("Item")


def struct_of(fields: Sequence[Field]) -> type[msgspec.Struct]:
    """The type of events of these fields; a field that is absent is UNSET, one of any shape is Raw."""
    # Fields without a default come first in a Struct that can be built by position; the order here is the schema's, so kw_only.
    members = [(f"f{i}", _annotation(f), *(() if f.required else (UNSET,))) for i, f in enumerate(fields)]
    names = {f"f{i}": field.name for i, field in enumerate(fields)}
    return msgspec.defstruct("Event", members, kw_only=True, forbid_unknown_fields=True, rename=names, gc=False)


def read_each(read: Iterator[Item]) -> tuple[list[Item], dict[int, Exception]]:
    """All that an iterator of events gives, and by place why others cannot be read. It must go on after an error, as `map` does."""
    found: list[Item] = []
    refused: dict[int, Exception] = {}
    while True:
        try:
            found.extend(read)  # keeps what came before an error
            return found, refused
        except UNREADABLE as error:
            refused[len(found) + len(refused)] = error.with_traceback(None)  # which would hold all that was found


def column_of(field: Field) -> Callable[[Sequence[Any]], Column]:
    """What makes a column of a field's values."""
    kind = pa.string() if field.kind == "timestamp" else field.arrow
    if not field.required:
        return lambda items: _optional(items, kind)
    if not field.nullable and field.kind == "boolean":
        return lambda items: (pa.array(np.frombuffer(bytes(items), np.bool_)), True)
    if not field.nullable and _is_byte(field):
        return lambda items: (pa.array(np.frombuffer(bytes(items), np.uint8).astype(np.int64)), True)
    if not field.nullable and field.kind in ("integer", "number"):
        return lambda items: (pa.array(np.fromiter(items, kind.to_pandas_dtype(), len(items))), True)
    return lambda items: (pa.array(items, kind), True)


def is_bounded(field: Field) -> bool:
    """Whether msgspec holds numbers on both sides, each far within 64 bits."""
    return len({keyword[0] for keyword in _limits(field)} & {"g", "l"}) == 2


def _optional(items: Sequence[Any], kind: pa.DataType) -> Column:
    try:
        return pa.array(items, kind), True
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # it does not know UNSET
        present = np.fromiter((item is not UNSET for item in items), dtype=bool, count=len(items))
        return pa.array([None if item is UNSET else item for item in items], kind), present


def _is_byte(field: Field) -> bool:
    """Whether all values of a field are integers that fit into a byte: a tuple of these becomes an array in one go."""
    bounds = [field.limits[keyword] for keyword in ("minimum", "maximum") if keyword in field.limits]
    return field.kind == "integer" and all(value in _BYTE for value in (field.choices or (bounds if len(bounds) == 2 else [-1])))


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
