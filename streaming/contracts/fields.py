"""A field of an event: what its property in the JSON Schema says, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import pyarrow as pa

from streaming.contracts.keywords import check_keywords
from streaming.errors import ContractError
from streaming.records import INSTANT

Kind = Literal["string", "integer", "number", "boolean", "timestamp"]
Role = Literal["feature", "metadata"]
INT64 = (-(2**63), 2**63 - 1)
_ARROW: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": INSTANT,
}
_ANNOTATIONS = frozenset({"title", "description", "$comment", "examples"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_LENGTHS = frozenset({"minLength", "maxLength", "pattern"})
_CHOICES = frozenset({"enum", "const"})
_KEYWORDS: dict[str, frozenset[str]] = {
    "string": _LENGTHS | _CHOICES | {"format"},
    "integer": _BOUNDS | _CHOICES,
    "number": _BOUNDS | _CHOICES,
    "boolean": frozenset(),
}


class Field(msgspec.Struct, frozen=True):
    """One field. choices: the only values allowed (without null), or None; limits: the restricting keywords as written."""

    name: str
    kind: Kind
    required: bool
    nullable: bool
    role: Role
    choices: tuple[str | int, ...] | None
    limits: dict[str, Any]

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type of the column: string, int64, float64, bool, or timestamp[us, UTC]."""
        return _ARROW[self.kind]


def field_of(name: str, spec: Mapping[str, Any], *, required: bool, source: str) -> Field:
    """Read one property. Raises ContractError if it uses what is not supported: mend the schema."""
    where = f"{source}: /properties/{name}"
    if not isinstance(spec, Mapping):
        raise ContractError(f"{where}: {spec!r} restricts nothing that can be checked; expected an object with `type`")
    kind, nullable = _type(spec.get("type"), where)
    check_keywords(spec, _KEYWORDS[kind] | _ANNOTATIONS | {"type", "x-role"}, where, kind)
    limits = {keyword: spec[keyword] for keyword in _KEYWORDS[kind] if keyword in spec}
    choices = _choices(limits, kind, where)
    if choices is not None:
        nullable = nullable and None in limits.get("enum", [limits.get("const", "")])
    if kind == "integer" and choices is None:
        _check_bounded(limits, where)
    return Field(name, _refined(kind, limits, where), required, nullable, _role(spec, where), choices, limits)


def _type(found: Any, where: str) -> tuple[Literal["string", "integer", "number", "boolean"], bool]:
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    for kind in ("string", "integer", "number", "boolean"):
        if names and set(names) - {"null"} == {kind}:
            return kind, "null" in names
    raise ContractError(f"{where}: type {found!r} is not supported; expected string, integer, number or boolean, with or without null")


def _choices(limits: Mapping[str, Any], kind: str, where: str) -> tuple[str | int, ...] | None:
    if not _CHOICES & set(limits):
        return None
    if len(limits) > 1:
        raise ContractError(f"{where}: {', '.join(sorted(limits))} together are not supported; keep enum or const alone")
    values = limits.get("enum", [limits.get("const")])
    wanted = str if kind == "string" else int
    values = [value for value in values if value is not None]
    if not values or any(type(value) is not wanted for value in values):
        raise ContractError(f"{where}: enum and const hold {wanted.__name__} values for a {kind}; found {values!r}")
    if wanted is int and any(not INT64[0] <= value <= INT64[1] for value in values):
        raise ContractError(f"{where}: enum and const hold 64-bit integers; found {values!r}")
    return tuple(values)


def _check_bounded(limits: Mapping[str, Any], where: str) -> None:
    low = limits.get("minimum", limits.get("exclusiveMinimum"))
    high = limits.get("maximum", limits.get("exclusiveMaximum"))
    whole = all(type(limits[keyword]) is int for keyword in _BOUNDS & set(limits))
    if low is None or high is None or not whole or low < INT64[0] or high > INT64[1]:
        raise ContractError(f"{where}: an integer needs whole bounds within 64 bits; add minimum and maximum")


def _refined(kind: Kind, limits: Mapping[str, Any], where: str) -> Kind:
    named = limits.get("format")
    if named not in (None, "date-time", "uuid"):
        raise ContractError(f"{where}: format {named!r} is not supported; expected date-time or uuid")
    return "timestamp" if named == "date-time" else kind


def _role(spec: Mapping[str, Any], where: str) -> Role:
    role = spec.get("x-role", "feature")
    if role not in ("feature", "metadata"):
        raise ContractError(f"{where}: x-role {role!r} is not known; expected feature or metadata")
    return "feature" if role == "feature" else "metadata"
