from __future__ import annotations

from typing import Any

import pytest

from streaming.contracts.resolve import definitions, only, resolve
from streaming.errors import ContractError


def test_what_stands_beside_a_reference_holds_too() -> None:
    document = {
        "$defs": {"n": {"type": "integer", "minimum": 1}, "o": {"properties": {"a": {"$ref": "#/$defs/n"}}}},
        "properties": {
            "same": {"$ref": "#/$defs/n", "minimum": 2},
            "other": {"$ref": "#/$defs/n", "maximum": 9},
            "object": {"$ref": "#/$defs/o", "additionalProperties": False},
        },
    }
    number = {"type": "integer", "minimum": 1}
    assert resolve(document, "x")["properties"] == {
        "same": {"type": "integer", "minimum": 2, "allOf": [number]},
        "other": {"type": "integer", "minimum": 1, "maximum": 9},
        "object": {"additionalProperties": False, "allOf": [{"properties": {"a": number}}]},
    }


def test_words_of_what_is_referred_to_stay_whatever_stands_beside() -> None:
    person = {"type": "string", "maxLength": 40, "title": "a person", "x-role": "metadata", "x-sensitivity": "personal", "x-unit": "name"}
    beside = {"$ref": "#/$defs/person", "maxLength": 20, "x-unit": "short name"}
    assert resolve({"$defs": {"person": person}, "properties": {"name": beside}}, "x")["properties"]["name"] == {
        "type": "string",
        "title": "a person",
        "x-role": "metadata",
        "x-sensitivity": "personal",
        "x-unit": "short name",
        "maxLength": 20,
        "allOf": [{"type": "string", "maxLength": 40}],
    }


def test_definitions_in_definitions_are_definitions() -> None:
    document = {"$defs": {"a": {"$defs": {"b": {"type": "string"}}, "$ref": "#/$defs/a/$defs/b"}}}
    assert definitions(document, "x") == {"/$defs/a": {"type": "string"}, "/$defs/a/$defs/b": {"type": "string"}}

    properties = {"v": {"$ref": "#/$defs/a"}, "w": {"$ref": "#/$defs/a/$defs/b"}}
    assert resolve(document | {"properties": properties}, "x") == {"properties": {"v": {"type": "string"}, "w": {"type": "string"}}}


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"a": {"$ref": "other.json"}}, "$ref 'other.json' is not supported; expected #/$defs/<name> of the same file"),
        ({"a": {"$ref": "#/$defs/none"}}, "$ref '#/$defs/none' leads nowhere"),
        ({"a": {"$ref": "#/properties/b/enum"}, "b": {"enum": ["c"]}}, "$ref '#/properties/b/enum' leads to ['c'], which is no schema"),
        ({"a": {"$ref": "#/$defs/tree"}}, "$ref '#/$defs/tree' leads back to itself"),
        ({"a": {"items": {"$ref": "#/properties/a"}}}, "$ref '#/properties/a' leads back to itself"),
    ],
)
def test_a_reference_that_cannot_be_written_out_is_refused(properties: dict[str, Any], told: str) -> None:
    document = {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "properties": properties}
    with pytest.raises(ContractError) as caught:
        resolve(document, "thing/v1.json")
    assert str(caught.value).startswith(f"thing/v1.json: {told}")


def test_a_field_named_like_a_keyword_is_a_field() -> None:
    document = {"properties": {"$ref": {"type": "string"}, "items": {"type": "string"}}}
    assert resolve(document, "x") == document


def test_other_environments_fields_are_taken_out() -> None:
    document = {"properties": {"a": {"x-environments": ["training"]}, "b": {}}, "required": ["a", "b"]}
    assert only(document, "serving") == {"properties": {"b": {}}, "required": ["b"]}
    assert only(document, "training") == document
