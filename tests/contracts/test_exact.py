"""Reasons where jsonschema-rs tells its errors in an unusual way are those of the reference too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_versions import version
from schema_reference import Reference, found

ANY = {"x-role": "metadata"}
CLOSED = {"additionalProperties": False}


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ({**ANY, **CLOSED}, {"a": 1, "c": 2}, {("/v/a", "additionalProperties"), ("/v/c", "additionalProperties")}),
        ({**ANY, "properties": {"b": CLOSED}}, {"b": {"a/b": 1}}, {("/v/b/a~1b", "additionalProperties")}),
        ({**ANY, "items": {"allOf": [CLOSED]}}, [{}, {"a": 1}], {("/v/1/a", "additionalProperties")}),
        ({**ANY, "if": {"required": ["a"]}, "then": CLOSED}, {"a": 1}, {("/v/a", "additionalProperties")}),
        ({**ANY, "dependentSchemas": {"a": CLOSED}}, {"a": 1}, {("/v/a", "additionalProperties")}),
        ({**ANY, "properties": {"additionalProperties": False}}, {"additionalProperties": 1}, {("/v/additionalProperties", "falseSchema")}),
        ({**ANY, "properties": {"properties": CLOSED}}, {"properties": {"a": 1}}, {("/v/properties/a", "additionalProperties")}),
        ({**ANY, "dependentSchemas": {"a": False}}, {"a": 1}, {("/v", "falseSchema")}),
        ({**ANY, "propertyNames": False}, {"a": 1}, {("/v", "falseSchema")}),
        ({**ANY, "propertyNames": {"maxLength": 1}}, {"aa": 1, "bb": 2}, {("/v", "propertyNames")}),
        ({**ANY, "items": False}, [1, 2], {("/v/0", "falseSchema"), ("/v/1", "falseSchema")}),
        ({**ANY, "patternProperties": {"^a": False}}, {"ab": 1}, {("/v/ab", "falseSchema")}),
    ],
)
def test_place_and_rule_are_those_of_the_reference(spec: dict[str, Any], value: Any, expected: set[tuple[str, str]]) -> None:
    contract = version(1, {"v": spec})
    event = {"at": "2026-01-01T00:00:00Z", "who": "w", "v": value}
    assert found(contract.check(json.dumps(event).encode())) == expected
    assert Reference(contract.document).reasons(event) == expected


def test_a_rule_of_the_event_that_closes_it_names_each_field() -> None:
    contract = version(1, {"v": {"type": "boolean"}}, ("v",), allOf=[{"if": {"required": ["v"]}, "then": CLOSED}])
    event = {"at": "2026-01-01T00:00:00Z", "who": "w", "v": True}
    told = contract.check(json.dumps(event).encode())
    assert [(reason.path, reason.value) for reason in told] == [("/at", '"2026-01-01T00:00:00Z"'), ("/who", '"w"'), ("/v", "true")]
    assert found(told) == Reference(contract.document).reasons(event)


def test_what_names_and_branches_break_is_told_once() -> None:
    spec = {**ANY, "propertyNames": {"maxLength": 1}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
    told = version(1, {"v": spec}).check(b'{"at":"2026-01-01T00:00:00Z","who":"w","v":{"aa":1,"bb":2}}')
    assert [(reason.path, reason.rule, reason.value) for reason in told] == [
        ("/v", "oneOf", "object of 2"),
        ("/v", "propertyNames", "object of 2"),
    ]
