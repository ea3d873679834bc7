from __future__ import annotations

import copy
from typing import Any

import pytest
from msgspec import UNSET

from streaming.contracts.schema import DIALECT, parse_contract
from streaming.contracts.vocabulary import Producer, Words
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
