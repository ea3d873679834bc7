"""A field of an event: what its property in the JSON Schema says, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import pyarrow as pa
from msgspec import UNSET

from streaming.contracts.keywords import (
    ANNOTATIONS,
    BOUNDS,
    CHOICES,
    COMPOSED,
    LENGTHS,
    NESTED,
    check_keywords,
    check_nested,
    check_texts,
    children,
)
from streaming.contracts.validator import compiled
from streaming.contracts.vocabulary import FIELD_WORDS, Role, Words, field_words
from streaming.errors import ContractError
from streaming.records import INSTANT

Scalar = Literal["string", "integer", "number", "boolean"]
Kind = Literal["string", "integer", "number", "boolean", "timestamp", "json"]
INT64 = (-(2**63), 2**63 - 1)
_ARROW: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": INSTANT,
    "json": pa.string(),
}
_KEYWORDS: dict[Kind, frozenset[str]] = {
    "string": LENGTHS | CHOICES | COMPOSED | {"format"},
    "integer": BOUNDS | CHOICES | COMPOSED | {"multipleOf"},
    "number": BOUNDS | CHOICES | COMPOSED | {"multipleOf"},
    "boolean": CHOICES | COMPOSED,
    "json": NESTED - ANNOTATIONS - {"type"},
}


class Field(msgspec.Struct, frozen=True):
    """One field. choices: the only values allowed (without null), or None; limits: the restricting keywords as written.

    kind: `json` is a value of any shape, held as canonical JSON text; words: what its x- keywords say.
    """

    name: str
    kind: Kind
    required: bool
    nullable: bool
    choices: tuple[str | int, ...] | None
    limits: dict[str, Any]
    words: Words

    @property
    def role(self) -> Role:
        """What the field is to a model: feature, metadata or target."""
        return self.words.role

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type of the column: string, int64, float64, bool, or timestamp[us, UTC]."""
        return _ARROW[self.kind]


def field_of(name: str, spec: Mapping[str, Any], *, required: bool, source: str) -> Field:
    """Read one property of a resolved schema. Raises ContractError if it uses what is not supported: mend the schema."""
    where = f"{source}: /properties/{name}"
    if not isinstance(spec, Mapping):
        raise ContractError(f"{where}: {spec!r} restricts nothing that can be checked; expected an object with `type`")
    if not name.isprintable() or '"' in name or "\\" in name:
        raise ContractError(f"{source}: the property {name!r} has characters that no column's name may have; rename it")
    words = field_words(spec, where)
    kind = _kind(spec, words, where)
    check_keywords(spec, _KEYWORDS[kind] | ANNOTATIONS | FIELD_WORDS | {"type"}, where, kind)
    check_texts(spec, where)
    for place, child in children(spec):
        check_nested(child, f"{where}/{place}")
    limits = {keyword: spec[keyword] for keyword in ("type", *sorted(_KEYWORDS[kind])) if keyword in spec}
    allows = compiled(limits).is_valid
    choices = _choices(limits, kind, where)
    if kind == "integer" and choices is None:
        _check_bounded(limits, where)
    if words.default is not UNSET and not allows(words.default):
        raise ContractError(f"{where}: x-default {words.default!r} is not valid for the field itself; mend one of them")
    if words.positive is not None and not allows(words.positive):
        raise ContractError(f"{where}: x-positive {words.positive!r} is not valid for the field itself; name one of its values")
    timed = kind == "string" and spec.get("format") == "date-time"
    return Field(name, "timestamp" if timed else kind, required, allows(None), choices, limits, words)


def _kind(spec: Mapping[str, Any], words: Words, where: str) -> Kind:
    found = spec.get("type")
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    scalars: tuple[Scalar, ...] = ("string", "integer", "number", "boolean")
    for kind in scalars:
        if names and set(names) - {"null"} == {kind}:
            return kind
    if words.role == "metadata":
        return "json"
    raise ContractError(
        f"{where}: type {found!r} is not supported for a {words.role}; expected string, integer, number or boolean,"
        ' with or without null, or "x-role": "metadata"'
    )


def _choices(limits: Mapping[str, Any], kind: Kind, where: str) -> tuple[str | int, ...] | None:
    """The values of enum and const that all other keywords allow too; None where the rules check them (booleans, fractions, json)."""
    if not CHOICES & set(limits) or kind in ("boolean", "json"):
        return None
    values = [value for value in limits.get("enum", [limits.get("const")]) if value is not None]
    wanted: tuple[type, ...] = {"string": (str,), "integer": (int,)}.get(kind, (int, float))
    if not values or any(type(value) not in wanted for value in values):
        raise ContractError(f"{where}: enum and const hold {wanted[-1].__name__} values for a {kind}; found {values!r}")
    if any(type(value) is int and not INT64[0] <= value <= INT64[1] for value in values):
        raise ContractError(f"{where}: enum and const hold 64-bit integers; found {values!r}")
    if float in map(type, values):
        return None
    allows = compiled(limits).is_valid
    allowed = tuple(value for value in values if allows(value))
    if not allowed:
        raise ContractError(f"{where}: no value of enum or const is allowed by the keywords beside it; mend one of them")
    return allowed


def _check_bounded(limits: Mapping[str, Any], where: str) -> None:
    low = limits.get("minimum", limits.get("exclusiveMinimum"))
    high = limits.get("maximum", limits.get("exclusiveMaximum"))
    bounds = [limits[keyword] for keyword in BOUNDS & set(limits)]
    if low is None or high is None or not all(type(bound) is int and INT64[0] <= bound <= INT64[1] for bound in bounds):
        raise ContractError(f"{where}: an integer needs whole bounds within 64 bits; add minimum and maximum")
