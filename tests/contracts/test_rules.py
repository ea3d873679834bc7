from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from streaming.contracts import Contract
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.errors import ContractError

GOOD: dict[str, Any] = {"at": "2026-01-01T00:00:00Z", "who": 1}
FIELDS: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time"},
    "who": {"type": "integer", "minimum": 0, "maximum": 9},
    "plan": {"type": "string", "enum": ["free", "paid"]},
    "price": {"type": ["number", "null"], "multipleOf": 0.25},
    "note": {"type": "string"},
    "inside": {"x-role": "metadata", "type": ["object", "null"], "properties": {"a": {"type": "integer"}}},
}


def _contract(**rules: Any) -> Contract:
    head = {"$schema": DIALECT, "x-entity": "who", "x-event-time": "at", "type": "object", "additionalProperties": False}
    return parse_contract({**head, "required": ["at", "who"], "properties": FIELDS, **rules}, "thing", 1, "thing")


def _accepted(contract: Contract, *events: dict[str, Any]) -> list[bool]:
    """Verdict of each event by the fast path alone, which leaves none of the valid ones over here; all reasons agree with it."""
    values = [json.dumps({**GOOD, **event}).encode() for event in events]
    places = contract.fast.decode(pa.array(values, pa.binary()))[1].tolist()
    verdicts = [place in places for place in range(len(events))]
    assert verdicts == [not contract.check(value) for value in values]
    return verdicts


@pytest.mark.parametrize(
    ("rules", "good", "bad", "reason"),
    [
        (
            {"if": {"properties": {"plan": {"const": "paid"}}, "required": ["plan"]}, "then": {"required": ["price"]}},
            {"plan": "paid", "price": 1.25},
            {"plan": "paid"},
            ("/price", "required"),
        ),
        ({"dependentRequired": {"price": ["plan"]}}, {"price": 1, "plan": "free"}, {"price": None}, ("/plan", "dependentRequired")),
        ({"dependentSchemas": {"note": {"required": ["plan"]}}}, {"plan": "free", "note": "x"}, {"note": "x"}, ("/plan", "required")),
        ({"anyOf": [{"required": ["plan"]}, {"required": ["note"]}]}, {"note": ""}, {}, ("", "anyOf")),
        ({"oneOf": [{"required": ["plan"]}, {"required": ["note"]}]}, {"note": ""}, {"note": "", "plan": "free"}, ("", "oneOf")),
        ({"not": {"required": ["note"]}}, {}, {"note": "x"}, ("", "not")),
        ({"allOf": [{"properties": {"note": {"minLength": 2}}}]}, {"note": "xy"}, {"note": "x"}, ("/note", "minLength")),
        ({"allOf": [{"properties": {"note": False}}]}, {}, {"note": "x"}, ("/note", "falseSchema")),
        ({"maxProperties": 3}, {"note": "x"}, {"note": "x", "plan": "free"}, ("", "maxProperties")),
        ({"anyOf": [{"minProperties": 4}, {"required": ["note"]}]}, {"plan": "free", "price": None}, {"plan": "free"}, ("", "anyOf")),
        (
            {"allOf": [{"properties": {"inside": {"required": ["a"]}}}]},
            {"inside": {"a": 1}},
            {"inside": {}},
            ("/inside/a", "required"),
        ),
        ({}, {"price": 0.5}, {"price": 0.6}, ("/price", "multipleOf")),
        ({}, {"inside": None}, {"inside": {"a": "1"}}, ("/inside/a", "type")),
    ],
)
def test_a_rule_is_held_by_both_paths(rules: dict[str, Any], good: dict[str, Any], bad: dict[str, Any], reason: tuple[str, str]) -> None:
    contract = _contract(**rules)
    assert _accepted(contract, good, bad, good) == [True, False, True]
    told = contract.check(json.dumps({**GOOD, **bad}).encode())
    assert [(found.path, found.rule) for found in told] == [reason]


def test_a_rule_without_fields_holds_for_all_or_none() -> None:
    assert _accepted(_contract(allOf=[True]), {}, {"note": "x"}) == [True, True]
    with pytest.raises(ContractError, match="no serving event can keep the rule allOf"):
        _contract(allOf=[False])


def test_multiples_are_counted_in_decimals() -> None:
    contract = _contract(properties={**FIELDS, "price": {"type": "number", "multipleOf": 0.01}})
    assert _accepted(contract, {"price": 19.99}, {"price": 0.07}, {"price": 0.075}) == [True, True, False]


def test_whole_numbers_that_a_float_cannot_hold_are_judged_as_written() -> None:
    contract = _contract(properties={**FIELDS, "price": {"type": "number", "multipleOf": 2, "maximum": 2**53 + 2}})
    values = [json.dumps({**GOOD, "price": price}).encode() for price in (2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3)]
    assert contract.decode(pa.array(values, pa.binary())).places.tolist() == [0, 2]


def test_nested_values_are_columns_of_canonical_json() -> None:
    texts = [b'{"b": [1.0, "\\u00e9"], "a": 2}', b"null", b'{ "a":\t2 }', b'{"a": 1, "a": 2}', b'{"a": 1e400}', b'{"a": "\\u0000"}']
    values = [json.dumps(GOOD).encode()[:-1] + b', "inside": ' + text + b"}" for text in texts]
    contract = _contract()
    decoded = contract.decode(pa.array(values, pa.binary()))
    assert decoded.rows.column("event.inside").to_pylist() == ['{"a":2,"b":[1.0,"é"]}', None, '{"a":2}']
    assert decoded.rows.schema.field("event.inside").type == pa.string()
    told = {place: [(reason.path, reason.rule) for reason in reasons] for place, reasons in decoded.rejected.items()}
    assert told == {3: [("/inside/a", "duplicate_key")], 4: [("/inside/a", "number_range")], 5: [("/inside/a", "nul_character")]}
    assert contract.fast.decode(pa.array(values, pa.binary()))[1].tolist() == [0, 1, 2]


def test_depth_is_counted_from_the_event_by_both_paths() -> None:
    contract = _contract(properties={**FIELDS, "inside": {"x-role": "metadata"}})
    values = [json.dumps(GOOD).encode()[:-1] + b', "inside": ' + b"[" * depth + b"]" * depth + b"}" for depth in (63, 64, 65)]
    assert contract.fast.decode(pa.array(values, pa.binary()))[1].tolist() == [
        place for place, value in enumerate(values) if not contract.check(value)
    ]
    assert [reason.rule for reason in contract.check(values[2])] == ["depth"]


def test_enum_beside_other_limits_keeps_the_values_that_all_allow() -> None:
    contract = _contract(properties={**FIELDS, "note": {"type": "string", "enum": ["a", "abc"], "maxLength": 2}})
    assert next(field for field in contract.fields if field.name == "note").choices == ("a",)
    assert _accepted(contract, {"note": "a"}, {"note": "abc"}) == [True, False]


def test_references_are_written_out() -> None:
    contract = _contract(
        **{"$defs": {"cents": {"type": "number", "multipleOf": 0.25}, "deep": {"$ref": "#/$defs/cents"}}},
        properties={**FIELDS, "price": {"$ref": "#/$defs/deep", "description": "in EUR", "maximum": 9}},
    )
    assert _accepted(contract, {"price": 1.25}, {"price": 0.1}, {"price": 10}) == [True, False, False]
