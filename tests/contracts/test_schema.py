from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streaming.contracts import load_contract, load_contracts
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.errors import ContractError

MINIMAL: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who"],
    "properties": {
        "at": {"type": "string", "format": "date-time", "x-role": "metadata"},
        "who": {"type": "integer", "minimum": 0, "maximum": 9, "x-role": "metadata"},
        "size": {"type": ["number", "null"]},
    },
}


def _changed(path: str, value: Any) -> dict[str, Any]:
    schema = copy.deepcopy(MINIMAL)
    *parents, last = path.split("/")
    node = schema
    for part in parents:
        node = node[part]
    node[last] = value
    return schema


def test_customer_activity_is_read_whole() -> None:
    contract = load_contract(Path("schemas/customer_activity/v1.json"))
    assert (contract.event, contract.version, contract.entity) == ("customer_activity", 1, "customer_id")
    assert (contract.event_id, contract.event_time) == ("event_id", "event_time")
    assert len(contract.features) == 19
    assert (contract.features[0], contract.features[-1]) == ("female", "total_charges")
    assert contract.target is not None
    assert contract.target["field"] == "churn"
    assert contract.arrow_schema.field("event.event_time").type == pa.timestamp("us", tz="UTC")
    assert contract.arrow_schema.field("event.tenure").type == pa.int64()
    assert contract.arrow_schema.field("event.total_charges").type == pa.float64()
    assert contract.arrow_schema.field("event.contract").type == pa.string()


def test_contract_survives_pickling_after_use() -> None:
    contract = parse_contract(MINIMAL, "thing", 3, "thing")
    assert contract.check(b"{}")
    again = pickle.loads(pickle.dumps(contract))
    assert again == contract
    assert again.check(b'{"at": "2026-01-01T00:00:00Z", "who": 1}') == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("properties/size/unevaluatedProperties", False, "keyword 'unevaluatedProperties' is not supported for a number"),
        ("properties/size/minimun", 2, "did you mean minimum?"),
        ("properties/size/minLength", 2, "keyword 'minLength' is not supported for a number"),
        ("properties/size/x-rol", "feature", "did you mean x-role?"),
        ("properties/size/x-role", "faeture", "x-role 'faeture' is not known; expected feature, metadata or target"),
        ("properties/size", {"type": "object"}, "type 'object' is not supported for a feature"),
        ("properties/size", {"type": ["string", "integer"]}, "type ['string', 'integer'] is not supported"),
        ("properties/size", {}, "type None is not supported"),
        ("properties/size", True, "restricts nothing"),
        ("properties/size", {"type": "integer"}, "an integer needs whole bounds within 64 bits"),
        ("properties/size", {"type": "integer", "minimum": 0, "maximum": 2**63}, "an integer needs whole bounds within 64 bits"),
        ("properties/size", {"type": "string", "format": "email"}, "format 'email' is not supported; expected date, date-time"),
        ("properties/size", {"type": "string", "enum": ["a"], "minLength": 2}, "no value of enum or const is allowed"),
        ("properties/size", {"type": "string", "enum": ["a", 1]}, "enum and const hold str values"),
        ("properties/size", {"x-role": "metadata", "items": {"maxItem": 1}}, "/properties/size/items: keyword 'maxItem' is not supported"),
        ("properties/size", {"x-role": "metadata", "not": {"format": "uri"}}, "/properties/size/not: format 'uri' is not supported"),
        ("properties/size/anyOf", [{"minimun": 2}], "/properties/size/anyOf/0: keyword 'minimun' is not supported"),
        ("unevaluatedProperties", False, "keyword 'unevaluatedProperties' is not supported for a event"),
        ("$defs", {"unused": {"minimun": 1}}, "/$defs/unused: keyword 'minimun' is not supported"),
        ("properties/si\nze", {"type": "number"}, "has characters that no column's name may have"),
        ("properties/size/oneOf", [{"$ref": "#/properties/size"}], "leads back to itself"),
        ("allOf", [{"minPropertys": 1}], "/allOf/0: keyword 'minPropertys' is not supported"),
        ("dependentRequired", {"size": ["weight"]}, "a rule names 'weight', which is not among the properties"),
        ("if", {"properties": {"sice": {"const": 1}}}, "a rule names 'sice'"),
        ("$defs", {"a": {"$defs": {"b": {"minimun": 1}}}}, "/$defs/a/$defs/b: keyword 'minimun' is not supported"),
        ("properties/size/$defs", {}, "keyword '$defs' is not supported"),
        ("properties/size/maximum", 2**64, "18446744073709551616 is no integer of 64 bits"),
        ("properties/size/enum", [1, -(2**63) - 1], "-9223372036854775809 is no integer of 64 bits"),
        ("properties/size", {"x-role": "metadata", "items": {"const": [2**64]}}, "18446744073709551616 is no integer of 64 bits"),
        ("properties/size/exclusiveMaximum", float("nan"), "nan is no number of JSON"),
        ("properties/who/exclusiveMaximum", 2**63, "an integer needs whole bounds within 64 bits"),
        ("properties/size", {"type": "string", "pattern": "a++"}, "/properties/size: pattern 'a++': '++' at 1 is a possessive"),
        ("minProperties", 4, "no serving event can keep the rule minProperties"),
        ("allOf", [{"not": {"required": ["who"]}}], "no serving event can keep the rule allOf"),
        ("additionalProperties", True, "additionalProperties false"),
        ("type", "array", "expected type object"),
        ("required", ["at", "who", "nobody"], "required names 'nobody'"),
        ("x-entity", "size", "x-entity names 'size'; expected a required property of type string or integer"),
        ("x-entity", None, "x-entity and x-event-time must each name"),
        ("x-event-time", "who", "x-event-time names 'who'; expected a required property of type date-time"),
        ("x-event-ids", "who", "did you mean x-event-id?"),
    ],
)
def test_what_is_not_supported_is_refused(path: str, value: Any, told: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract(_changed(path, value), "thing", 1, "thing/v1.json")
    assert told in str(caught.value)
    assert str(caught.value).startswith("thing/v1.json: ")


def test_foreign_keywords_may_stand() -> None:
    assert parse_contract(_changed("x-retention-days", 30), "thing", 1, "thing").fields


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object with $schema"),
        (json.dumps(MINIMAL)[:-1] + ', "type": "object"}', "not JSON as RFC 8259 has it: /type: duplicate_key"),
        (json.dumps(MINIMAL).replace('"size": {', '"size": {"maximum": 1, "maximum": 2, '), "/properties/size/maximum: duplicate_key"),
        (json.dumps(_changed("properties/size/maximum", 2**64)), "/properties/size/maximum: number_range an integer of 64 bits"),
        (json.dumps(_changed("properties/size/maximum", float("nan"))), "/properties/size/maximum: number_range a finite number"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', "expected an object"),
        (json.dumps(_changed("properties/size/type", "numbr")), "not a valid JSON Schema"),
        (json.dumps(_changed("properties/size", {"type": "string", "pattern": "("})), "not a valid JSON Schema"),
    ],
)
def test_broken_files_are_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "thing" / "v1.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ContractError, match=r"thing/v1\.json: ") as caught:
        load_contract(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_versions_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    for version in (1, 2, 10):
        (tmp_path / "thing" / f"v{version}.json").write_text(json.dumps(MINIMAL))
    assert sorted(load_contracts(tmp_path, "thing")) == [1, 2, 10]
    with pytest.raises(ContractError, match="no schema"):
        load_contracts(tmp_path, "other")
    (tmp_path / "thing" / "v02.json").write_text(json.dumps(MINIMAL))
    with pytest.raises(ContractError, match="rename it"):
        load_contracts(tmp_path, "thing")


def test_bounds_and_literals_of_64_bits_may_stand() -> None:
    who = {"type": "integer", "minimum": -(2**63), "exclusiveMinimum": -(2**63), "maximum": 2**63 - 1}
    document = _changed("properties/who", who)
    document["properties"]["size"] = {"type": "number", "maximum": 1e30, "enum": [2**63 - 1, 0.5, 1e30]}
    assert parse_contract(document, "thing", 1, "thing").fields[1].limits["maximum"] == 2**63 - 1


LONG = "x" * 513


@pytest.mark.parametrize("keyword", ["x-entity", "x-event-id"])
@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "maxLength": 513}, False),
        ({"type": "string", "minLength": 1}, False),
        ({"type": "string", "enum": ["a", LONG]}, False),
        ({"type": "string", "maxLength": 512}, True),
        ({"type": "string", "maxLength": 12.0}, True),
        ({"type": "string", "format": "uuid"}, True),
        ({"type": "string", "enum": ["a", "b"]}, True),
        ({"type": "string", "const": "a"}, True),
        ({"type": "integer", "minimum": 0, "maximum": 9}, True),
    ],
    ids=lambda value: str(value)[:60],
)
def test_names_fit_into_an_index_of_the_store(keyword: str, spec: dict[str, Any], fits: bool) -> None:
    document = _changed("properties/who", spec) | {keyword: "who"}
    if fits:
        assert parse_contract(document, "thing", 1, "thing").entity == "who"
    else:
        with pytest.raises(ContractError, match="give it a maxLength of at most 512"):
            parse_contract(document, "thing", 1, "thing")
