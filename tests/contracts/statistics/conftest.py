"""A small contract and data that keep it, for what is held to contracts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from streaming.contracts import Contract
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.contracts.statistics import Statistics, describe
from streaming.contracts.statistics.parse import block_of_rows

DOCUMENT: dict[str, Any] = {
    "$schema": DIALECT,
    "$id": "urn:test:visit:1",
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "plan", "age"],
    "$defs": {"money": {"type": "number", "minimum": 0, "exclusiveMaximum": 100}},
    "properties": {
        "at": {"type": "string", "format": "date-time", "x-role": "metadata"},
        "who": {"type": "string", "minLength": 2, "maxLength": 8, "x-role": "metadata", "x-sensitivity": "personal"},
        "plan": {"type": "string", "enum": ["free", "paid"]},
        "age": {"type": "integer", "minimum": 0, "maximum": 150, "x-unit": "years"},
        "spent": {"$ref": "#/$defs/money"},
        "score": {"type": ["number", "null"]},
        "code": {"type": "string", "pattern": "^[A-Z]"},
        "left": {"type": "boolean", "x-role": "target", "x-environments": ["training"]},
        "tags": {"type": "array", "x-role": "metadata", "items": {"type": "string"}},
    },
    "dependentRequired": {"spent": ["plan"]},
}
GOOD: dict[str, Any] = {
    "at": "2026-01-02T00:00:00Z", "who": "ada", "plan": "free", "age": 36, "spent": 9.5, "score": None, "code": "A1", "tags": ["x"],
}  # fmt: skip


def contract_of(document: dict[str, Any], environment: Any = "serving") -> Contract:
    return parse_contract(copy.deepcopy(document), "visit", 1, "visit v1", environment)


@pytest.fixture
def contract() -> Contract:
    """The contract of visits."""
    return contract_of(DOCUMENT)


@pytest.fixture
def statistics(contract: Contract) -> Callable[..., Statistics]:
    """Statistics of ten rows, of which the first differs as told; None takes a field away."""
    kinds = {field.name: field.kind for field in contract.fields}

    def made(*differing: dict[str, Any], rows: int = 10) -> Statistics:
        every = [{**GOOD, **changed} for changed in differing] + [dict(GOOD)] * (rows - len(differing))
        kept = [{name: value for name, value in row.items() if value is not Ellipsis} for row in every]
        personal = {field.name for field in contract.fields if field.words.sensitivity == "personal"}
        return describe([block_of_rows(kept, kinds=kinds)], personal=personal)

    return made
