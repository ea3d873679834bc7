"""How a group of the official test suite becomes contracts: its schema as one field of an event, or as the event itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streaming.contracts import Contract
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.errors import ContractError

FOLDER = Path("tests/fixtures/json_schema_test_suite")
_ENVELOPE = {"_at": "2026-01-01T00:00:00Z", "_who": 1}
_FIELDS = {
    "_at": {"type": "string", "format": "date-time", "x-role": "metadata"},
    "_who": {"type": "integer", "minimum": 0, "maximum": 9, "x-role": "metadata"},
}
_PYTHON = {"string": (str,), "integer": (int, float), "number": (int, float), "boolean": (bool,)}
# Schemas of the event that speak of all its fields are changed by the two fields that an event needs.
_OF_ALL = {"additionalProperties", "patternProperties", "propertyNames", "const", "enum", "$ref", "minProperties", "maxProperties"}


@dataclass(frozen=True)
class Group:
    """A schema and its tests."""

    file: str
    description: str
    schema: Any
    tests: list[dict[str, Any]]


@dataclass(frozen=True)
class Embedded:
    """A contract made of a group's schema, with those of its tests that can be asked of it: name, event, valid."""

    kind: str
    contract: Contract
    events: list[tuple[str, bytes, bool]]


def groups() -> list[Group]:
    """All groups of the suite that lie here."""
    paths = sorted(FOLDER.rglob("*.json"))
    loaded = [(path.relative_to(FOLDER).as_posix(), json.loads(path.read_text())) for path in paths]
    return [Group(name, found["description"], found["schema"], found["tests"]) for name, all_of in loaded for found in all_of]


def embedded(group: Group) -> tuple[list[Embedded], str]:
    """All contracts that a group makes, and why there is none, or ""."""
    schema = group.schema if isinstance(group.schema, dict) else {"allOf": [group.schema]}
    schema = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
    found, refused = [], ""
    for kind, document, tests in [("field of any shape", _field(schema), group.tests), *_typed(schema, group), *_event(schema, group)]:
        try:
            contract = parse_contract(document, "suite", 1, "suite")
        except ContractError as error:
            refused = refused or str(error)
            continue
        whole = kind == "event"
        events = [(test["description"], _bytes(test["data"] if whole else {"v": test["data"]}), test["valid"]) for test in tests]
        found.append(Embedded(kind, contract, events))
    return found, "" if found else refused


def _field(schema: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """A contract's document with the schema as the field v."""
    inside = _moved({keyword: value for keyword, value in schema.items() if keyword != "$defs"})
    return _document({"v": {**inside, "x-role": "metadata", **extra}}, ["v"], _moved({"$defs": schema.get("$defs", {})}))


def _typed(schema: dict[str, Any], group: Group) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """The schema with a scalar type added, for the tests whose values are of this type."""
    for kind, types in _PYTHON.items():
        tests = [test for test in group.tests if test["data"] is None or type(test["data"]) in types]
        if all(test["data"] is None for test in tests) or schema.get("type", kind) != kind:
            continue
        nullable = "type" not in schema
        limits: dict[str, Any] = {"type": [kind, "null"] if nullable else kind, "x-role": "feature"}
        if kind == "integer" and not {"enum", "const"} & set(schema):
            limits |= {} if {"minimum", "exclusiveMinimum"} & set(schema) else {"minimum": -(2**63)}
            limits |= {} if {"maximum", "exclusiveMaximum"} & set(schema) else {"maximum": 2**63 - 1}
            tests = [test for test in tests if test["data"] is None or test["data"] == int(test["data"])]
        if kind == "string" and len(schema.get("enum", [])) > 1:
            limits["enum"] = [value for value in schema["enum"] if isinstance(value, str)]
        yield f"field of type {kind}", _field(schema, **limits), tests


def _event(schema: dict[str, Any], group: Group) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """The schema as the event, for the tests whose values are objects."""
    closed = schema.get("additionalProperties") is False
    open_again = schema.get("additionalProperties", True) is True
    inner = {keyword: value for keyword, value in schema.items() if keyword not in ("additionalProperties", "type")}
    limits = {keyword: inner.pop(keyword) + len(_ENVELOPE) for keyword in ("minProperties", "maxProperties") if keyword in inner}
    tests = [test for test in group.tests if isinstance(test["data"], dict)]
    if not tests or not (closed or open_again) or _speaks_of_all(inner) or schema.get("type", "object") != "object":
        return
    names = set(inner.get("properties", {})) | (set() if closed else {name for test in tests for name in test["data"]} | set(_names(inner)))
    specs = {name: inner.get("properties", {}).get(name, {}) for name in sorted(names)}
    fields = {name: {**(spec if isinstance(spec, dict) else {"allOf": [spec]}), "x-role": "metadata"} for name, spec in specs.items()}
    inner = {keyword: value for keyword, value in inner.items() if keyword not in ("properties", "required")}
    yield "event", _document(fields, schema.get("required", []), {**inner, **limits}), tests


def _document(fields: dict[str, Any], required: list[str], rest: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "x-entity": "_who", "x-event-time": "_at", "type": "object", "additionalProperties": False}
    return {**head, **rest, "properties": {**_FIELDS, **fields}, "required": [*_ENVELOPE, *required]}


def _moved(node: Any) -> Any:
    """References to a place in the schema, as it lies in the contract's document."""
    if isinstance(node, list):
        return [_moved(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/properties/v/{value[2:]}"
        if key == "$ref" and str(value).startswith("#/") and not value.startswith("#/$defs")
        else _moved(value)
        for key, value in node.items()
    }


def _speaks_of_all(schema: Any) -> bool:
    """Whether a schema of the event, or one composed into it, looks at fields that it does not name."""
    if isinstance(schema, bool):
        return False
    inner = [schema[keyword] for keyword in ("not", "if", "then", "else") if keyword in schema]
    inner += [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, [])]
    inner += schema.get("dependentSchemas", {}).values()
    return bool(_OF_ALL & set(schema)) or any(map(_speaks_of_all, inner))


def _names(schema: Any) -> Iterator[str]:
    """Names of fields anywhere in a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from _names(item)
    if isinstance(schema, dict):
        yield from (name for name in schema.get("required", []) if isinstance(name, str))
        for keyword in ("properties", "dependentRequired", "dependentSchemas"):
            yield from schema.get(keyword, {})
        for others in schema.get("dependentRequired", {}).values():
            yield from others
        for item in schema.values():
            yield from _names(item)


def _bytes(event: dict[str, Any]) -> bytes:
    return json.dumps({**_ENVELOPE, **event}).encode()
