from __future__ import annotations

import copy
from typing import Any

import pytest
from msgspec import UNSET

from streaming.contracts.schema import DIALECT, parse_contract
from streaming.contracts.vocabulary import EVENT_WORDS, FIELD_WORDS, RECORD, Producer, Words
from streaming.errors import ContractError

SCHEMA: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "x-owner": "lending",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "repaid"],
    "properties": {
        "at": {"type": "string", "format": "date-time", "x-role": "metadata"},
        "who": {"type": "integer", "minimum": 0, "maximum": 9, "x-role": "metadata", "x-sensitivity": "personal"},
        "income": {
            "type": "number",
            "minimum": 0,
            "x-unit": "EUR",
            "x-drift": {"threshold": 0.3},
            "x-owner": "risk",
            "x-default": 0,
            "x-renamed-from": "salary",
        },
        "noise": {"type": "number", "x-drift": False},
        "repaid": {"type": "string", "enum": ["no", "yes"], "x-role": "target", "x-environments": ["training"], "x-positive": "no"},
    },
    "if": {"properties": {"repaid": {"const": "no"}}, "required": ["repaid"]},
    "then": {"required": ["income"]},
}
EVENT = b'{"at": "2026-01-01T00:00:00Z", "who": 1}'
TRAINING = b'{"at": "2026-01-01T00:00:00Z", "who": 1, "repaid": "yes"}'


def test_words_of_a_field_are_read() -> None:
    contract = parse_contract(SCHEMA, "loan", 1, "loan")
    words = {field.name: field.words for field in contract.fields}
    assert words["income"] == Words(
        unit="EUR", drift={"threshold": 0.3}, owner="risk", default=0, renamed_from="salary", sensitivity="none"
    )
    assert (words["noise"].drift, words["noise"].default, words["who"].sensitivity) == (False, UNSET, "personal")
    assert (contract.owner, contract.producer) == ("lending", Producer(header="producer"))


def test_a_target_is_a_field_in_training_and_unknown_when_serving() -> None:
    serving, training = parse_contract(SCHEMA, "loan", 1, "loan"), parse_contract(SCHEMA, "loan", 1, "loan", "training")
    assert serving.target == training.target == {"field": "repaid", "enum": ["no", "yes"], "positive": "no"}
    assert "event.repaid" not in serving.arrow_schema.names
    assert "event.repaid" in training.arrow_schema.names
    assert training.features == serving.features == ["income", "noise"]
    assert serving.check(EVENT) == []
    assert [(reason.path, reason.rule) for reason in serving.check(TRAINING)] == [("/repaid", "additionalProperties")]
    assert training.check(TRAINING) == []
    assert [(reason.path, reason.rule) for reason in training.check(EVENT)] == [("/repaid", "required")]
    refused = training.check(TRAINING.replace(b"yes", b"no"))
    assert [(reason.path, reason.rule) for reason in refused] == [("/income", "required")]


TARGET = {"field": "left", "enum": ["no", "yes"], "positive": "yes", "description": "who left"}


def _older(target: Any) -> dict[str, Any]:
    """The schema with the older form of a target."""
    properties = {name: spec for name, spec in SCHEMA["properties"].items() if name != "repaid"}
    rest = {keyword: value for keyword, value in SCHEMA.items() if keyword not in ("if", "then")}
    return {**rest, "properties": properties, "required": ["at", "who"], "x-target": target}


@pytest.mark.parametrize("target", [TARGET, {"field": "left", "enum": [0, 1], "positive": 1}, {"field": "left", "enum": [True, False]}])
def test_the_older_form_of_a_target_is_read(target: dict[str, Any]) -> None:
    assert parse_contract(_older(target), "loan", 1, "loan").target == target


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("churn", "x-target 'churn' is not understood"),
        (None, "x-target None is not understood"),
        ([], "x-target [] is not understood"),
        ({"enum": ["no", "yes"]}, "is not understood; expected"),
        ({"field": "left"}, "is not understood; expected"),
        (TARGET | {"field": ["left"]}, "is not understood; expected"),
        (TARGET | {"postive": "yes"}, "is not understood; expected"),
        (TARGET | {"field": "income"}, "x-target names 'income'; expected a name that is no property"),
        (TARGET | {"field": ""}, "x-target names ''"),
        (TARGET | {"enum": []}, "x-target: enum [] is not understood"),
        (TARGET | {"enum": "yes"}, "x-target: enum 'yes' is not understood"),
        (TARGET | {"enum": [["yes"]]}, "x-target: enum [['yes']] is not understood"),
        (TARGET | {"positive": "zzz"}, "x-target: positive 'zzz' is not in its enum"),
        (TARGET | {"enum": [0, 1], "positive": True}, "x-target: positive True is not in its enum"),
    ],
)
def test_an_older_target_that_makes_no_sense_is_refused(target: Any, told: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract(_older(target), "loan", 1, "loan")
    assert told in str(caught.value)


@pytest.mark.parametrize("word", sorted(FIELD_WORDS - EVENT_WORDS | {RECORD}))
def test_a_word_of_a_field_is_refused_on_the_event(word: str) -> None:
    with pytest.raises(ContractError, match=f"^loan: {word} does not belong to this event; it "):
        parse_contract(SCHEMA | {word: "x"}, "loan", 1, "loan")


@pytest.mark.parametrize("word", sorted(EVENT_WORDS - FIELD_WORDS | {RECORD}))
def test_a_word_of_the_event_is_refused_on_a_field(word: str) -> None:
    properties = SCHEMA["properties"] | {"noise": {"type": "number", word: "who"}}
    with pytest.raises(ContractError, match=f"/properties/noise: {word} does not belong to this number; it "):
        parse_contract(SCHEMA | {"properties": properties}, "loan", 1, "loan")


NAME = {"type": "string", "x-sensitivity": "personal"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"properties": {"home": {"x-role": "metadata", "properties": {"street": NAME}}}}, "/properties/home/properties/street"),
        (
            {"properties": {"home": {"x-role": "metadata", "items": {"$ref": "#/$defs/name"}}}, "$defs": {"name": NAME}},
            "/properties/home/items",
        ),
        ({"properties": {"name": {"type": "string", "anyOf": [NAME]}}}, "/properties/name/anyOf/0"),
        ({"$defs": {"home": {"properties": {"street": NAME}}}}, "/$defs/home/properties/street"),
        ({"not": {"properties": {"noise": NAME}}}, "/not/properties/noise"),
    ],
)
def test_a_word_inside_a_value_or_a_rule_is_refused_and_says_where_to(changes: dict[str, Any], place: str) -> None:
    changed = SCHEMA | changes | {"properties": SCHEMA["properties"] | changes.get("properties", {})}
    with pytest.raises(ContractError) as caught:
        parse_contract(changed, "loan", 1, "loan")
    assert str(caught.value).startswith(f"loan: {place}: x-sensitivity does not belong to this schema in a schema; it stands at a property")


def test_a_definition_may_say_what_the_properties_that_refer_to_it_are_for() -> None:
    properties = SCHEMA["properties"] | {"name": {"$ref": "#/$defs/name"}, "nick": {"$ref": "#/$defs/name", "maxLength": 9}}
    contract = parse_contract(SCHEMA | {"$defs": {"name": NAME}, "properties": properties}, "loan", 1, "loan")
    assert [field.name for field in contract.fields if field.words.sensitivity == "personal"] == ["who", "name", "nick"]


def test_the_producer_may_stand_in_a_header_or_a_field() -> None:
    for found, producer in (({"header": "app"}, Producer("app")), ({"field": "who"}, Producer("", "who"))):
        assert parse_contract(SCHEMA | {"x-producer": found}, "loan", 1, "loan").producer == producer


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("properties/repaid/x-environments", ["training", "serving"], "a target is known in training only"),
        ("properties/noise/x-environments", ["trainig"], "x-environments ['trainig'] is not known"),
        ("properties/noise/x-environments", [], "x-environments [] is not known"),
        ("properties/noise/x-environment", ["training"], "did you mean x-environments?"),
        ("properties/noise/x-positive", 1, "x-positive names the positive class of a target"),
        ("properties/noise/x-unit", 3, "x-unit 3 is not understood"),
        ("properties/noise/x-owner", "", "x-owner '' is not understood"),
        ("properties/noise/x-sensitivity", "secret", "x-sensitivity 'secret' is not known; expected none or personal"),
        ("properties/noise/x-drift", {"treshold": 1}, "x-drift {'treshold': 1} is not understood"),
        ("properties/noise/x-drift", {"threshold": 0}, "x-drift threshold 0 is not understood"),
        ("properties/noise/x-default", "zero", "x-default 'zero' is not valid for the field itself"),
        ("properties/noise/x-renamed-from", "who", "x-renamed-from names 'who', which is still a property"),
        ("properties/noise/x-renamed", "who", "did you mean x-renamed-from?"),
        ("x-producer", {"field": "nobody"}, "x-producer {'field': 'nobody'} is not understood"),
        ("x-producer", "app", "x-producer 'app' is not understood"),
        ("x-owner", 7, "x-owner 7 is not understood"),
        ("x-target", {"field": "other"}, "more than one target"),
        ("x-producer", {"field": ["who"]}, "x-producer {'field': ['who']} is not understood"),
        ("properties/repaid/x-positive", "zzz", "x-positive 'zzz' is not valid for the field itself"),
        ("properties/repaid/x-positive", None, "x-positive null is not understood"),
        ("properties/noise/x-drift", {"threshold": float("inf")}, "is no number of JSON"),
        ("properties/noise/x-renamed-from", "salary", "which 'income' names too"),
    ],
)
def test_a_word_that_is_not_understood_is_refused(path: str, value: Any, told: str) -> None:
    schema = copy.deepcopy(SCHEMA)
    *parents, last = path.split("/")
    node = schema
    for part in parents:
        node = node[part]
    node[last] = value
    with pytest.raises(ContractError) as caught:
        parse_contract(schema, "loan", 1, "loan/v1.json")
    assert told in str(caught.value)
    assert str(caught.value).startswith("loan/v1.json: ")
