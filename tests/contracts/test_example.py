from __future__ import annotations

import json
from pathlib import Path

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
