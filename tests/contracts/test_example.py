from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from contract_versions import version
from generated_events import SCHEMA

from streaming.contracts import load_contract
from streaming.contracts.example import example_of
from streaming.contracts.schema import parse_contract


def test_an_example_is_valid() -> None:
    for contract in (load_contract(Path("schemas/customer_activity/v1.json")), version(1, {"n": {"type": "number", "multipleOf": 0.25}})):
        example = example_of(contract)
        assert example is not None
        assert contract.check(json.dumps(example).encode()) == []


def test_rules_are_met_by_leaving_fields_out() -> None:
    given = {**SCHEMA, "properties": {**SCHEMA["properties"], "code": {"type": "string", "pattern": "^[0-9]{2}", "examples": ["12"]}}}
    contract = parse_contract(given, "thing", 1, "v1")
    example = example_of(contract)
    assert example is not None
    assert contract.check(json.dumps(example).encode()) == []


def test_what_nothing_can_be_made_for_has_none() -> None:
    assert example_of(version(1, {"code": {"type": "string", "pattern": "^[0-9]{2}$"}})) is None
    assert example_of(version(1, {"code": {"type": "string", "pattern": "^[0-9]{2}$", "examples": ["42"]}})) is not None


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "object", "required": ["a"]},
        {"type": "object", "required": ["a"], "properties": {"a": True}},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "number", "maximum": -5}}},
        {"type": "object", "required": ["a"], "properties": {"a": {"enum": [["x"], 2]}}},
        {"type": "object", "required": ["a"], "properties": {"a": {"const": {"b": None}}}},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "format": "uuid"}, "b": False}},
        {"type": ["null", "object"], "required": ["a"], "properties": {"a": {"type": "object", "required": ["b"]}}},
        {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"type": "string", "minLength": 4}},
        {"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 2, "items": {"type": "boolean"}},
        {"contains": {"minimum": 3}},
        {"multipleOf": 3, "minimum": 4, "maximum": 8},
        {"type": "string", "maxLength": 1},
        {},
    ],
)
def test_metadata_of_any_legal_shape_have_one(spec: dict[str, Any]) -> None:
    contract = version(1, {"v": {**spec, "x-role": "metadata"}})
    example = example_of(contract)
    assert example is not None
    assert contract.check(json.dumps(example).encode()) == []


def test_numbers_below_zero_have_one() -> None:
    for spec in ({"type": "number", "maximum": -5}, {"type": "number", "exclusiveMaximum": 0}, {"type": "number", "minimum": 5}):
        assert example_of(version(1, {"n": spec})) is not None


def test_what_may_not_be_has_none() -> None:
    assert example_of(version(1, {"v": {"type": "object", "required": ["a"], "properties": {"a": False}, "x-role": "metadata"}})) is None


def test_what_would_be_very_large_has_none() -> None:
    assert example_of(version(1, {"v": {"type": "array", "minItems": 10**9, "x-role": "metadata"}})) is None
    assert example_of(version(1, {"s": {"type": "string", "minLength": 10**9}})) is None
