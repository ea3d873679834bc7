"""An example of an event, made from its contract and held to it."""

from __future__ import annotations

import json
from typing import Any

from streaming.contracts.containment import finite
from streaming.contracts.fields import Field
from streaming.contracts.schema import Contract

_TEXTS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "uuid": "6f1c2d3e-4a5b-4c6d-8e7f-901234567890",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


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
    if spec.get("examples"):
        return spec["examples"][0]
    values = [value for value in finite(field.limits) or [] if value is not None]
    if values:
        return values[len(values) // 2 if field.kind in ("integer", "number") and field.choices is None else 0]
    if field.kind in ("integer", "number"):
        return int(_number(spec)) if field.kind == "integer" else _number(spec)
    if field.kind == "json":
        return _nested(spec)
    text = _TEXTS.get(spec.get("format", ""), field.name)
    return text if "format" in spec else text.ljust(spec.get("minLength", 0), "x")[: spec.get("maxLength")]


def _number(spec: dict[str, Any]) -> float:
    low = spec.get("minimum", spec.get("exclusiveMinimum", 0))
    high = spec.get("maximum", spec.get("exclusiveMaximum", low + 2))
    middle = (low + high) / 2
    step = spec.get("multipleOf", 1 if spec.get("type") == "integer" or high - low > 10 else 0)
    return float(middle // step * step if step else round(middle, 2))


def _nested(spec: dict[str, Any]) -> Any:
    kind = spec.get("type", "object")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "object":
        return {name: _nested(spec["properties"].get(name, {"type": "string"})) for name in spec.get("required", [])}
    plain: dict[str, Any] = {"array": [], "string": "x" * spec.get("minLength", 1), "boolean": True, "null": None}
    return plain[kind] if kind in plain else int(_number({**spec, "type": "integer"}))
