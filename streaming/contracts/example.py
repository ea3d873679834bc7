"""An example of an event, made from its contract and held to it."""

from __future__ import annotations

import json
from typing import Any

from streaming.contracts.containment import finite
from streaming.contracts.fields import Field
from streaming.contracts.keywords import BOUNDS
from streaming.contracts.schema import Contract

_TEXTS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "uuid": "6f1c2d3e-4a5b-4c6d-8e7f-901234567890",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_MOST = 1000  # characters or items; a schema that asks for more has no example
_TELLING = {
    **dict.fromkeys(("properties", "required", "minProperties", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("items", "prefixItems", "contains", "minItems", "uniqueItems", "maxItems"), "array"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys((*sorted(BOUNDS), "multipleOf"), "number"),
}
"""Keyword → the type that a schema without a type is about."""


def example_of(contract: Contract) -> dict[str, Any] | None:
    """A valid event: `examples` of the fields where the schema gives them, values made from the limits otherwise.

    None where none was found, because a pattern or a rule stands against it: give the fields `examples`.
    """
    specs = contract.resolved["properties"]
    chosen = {field.name: _value(field, specs[field.name]) for field in contract.fields}
    kept = {field.name for field in contract.fields if field.required}
    wrong = _wrong(contract, chosen, kept)
    # Optional fields come in one by one, where they break no more than is broken without them; a later one may mend an earlier.
    for name in [name for name in chosen if name not in kept] * 2:
        found = _wrong(contract, chosen, kept | {name})
        if name not in kept and found <= wrong:
            kept, wrong = kept | {name}, found
    return None if wrong else {name: value for name, value in chosen.items() if name in kept}


def _wrong(contract: Contract, chosen: dict[str, Any], kept: set[str]) -> int:
    """How many reasons there are against an event with some of the fields."""
    return len(contract.check(json.dumps({name: value for name, value in chosen.items() if name in kept}).encode()))


def _value(field: Field, spec: dict[str, Any]) -> Any:
    values = [value for value in finite(field.limits) or [] if value is not None]
    if values and not spec.get("examples"):
        return values[len(values) // 2 if field.kind in ("integer", "number") and field.choices is None else 0]
    return _made(spec, field.name)


def _made(schema: Any, name: str) -> Any:
    """A value for a schema at any depth; whether it keeps all rules is for the contract to say. name: a text to take."""
    if isinstance(schema, bool):
        return name  # what false refuses, nothing can be made for
    for listed in (schema.get("examples"), [schema["const"]] if "const" in schema else None, schema.get("enum")):
        if listed:
            return listed[0]
    kind = _kind(schema)
    if kind in ("integer", "number"):
        return int(_number(schema)) if kind == "integer" else _number(schema)
    if kind == "object":
        return {key: _made(schema.get("properties", {}).get(key, True), key) for key in schema.get("required", [])}
    if kind == "array":
        return _items(schema, name)
    if kind == "string":
        text = _TEXTS.get(schema.get("format", ""), name)
        return text if "format" in schema else text.ljust(min(schema.get("minLength", 0), _MOST), "x")[: schema.get("maxLength")]
    return True if kind == "boolean" else None


def _items(schema: dict[str, Any], name: str) -> list[Any]:
    """As many items as there must be; different ones where they are numbers or texts that may be."""
    first = schema.get("prefixItems", [])
    rest = schema.get("items", schema.get("contains", True))
    wanted = max(schema.get("minItems", 0), schema.get("minContains", 1) if "contains" in schema else 0)
    return [_made(first[place] if place < len(first) else rest, f"{name}{place + 1}") for place in range(min(wanted, _MOST))]


def _kind(schema: dict[str, Any]) -> str:
    """The type to make: the one that is named, or the one whose keywords are there."""
    named = schema.get("type")
    if named is not None:
        return str(named if isinstance(named, str) else next((kind for kind in named if kind != "null"), "null"))
    found = (kind for keyword, kind in _TELLING.items() if keyword in schema)
    return next(found, "object")


def _number(spec: dict[str, Any]) -> float:
    low = spec.get("minimum", spec.get("exclusiveMinimum"))
    high = spec.get("maximum", spec.get("exclusiveMaximum"))
    if low is None:
        low = 0 if high is None or high > 0 else high - 2
    if high is None:
        high = low + 2
    middle = (low + high) / 2
    step = spec.get("multipleOf", 1 if _kind(spec) == "integer" or high - low > 10 else 0)
    return float(middle // step * step if step else round(middle, 2))
