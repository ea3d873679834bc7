from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from streaming.contracts.containment import Refusal, distinct, finite, refusals
from streaming.contracts.validator import compiled

TEXT = {"type": "string"}
INT = {"type": "integer", "minimum": 0, "maximum": 99999}
NUMBER = {"type": "number"}

ALLOWED: list[tuple[Any, Any]] = [
    (INT, {**INT, "maximum": 100_000}),
    (INT, NUMBER),
    (INT, {"type": "number", "exclusiveMinimum": -1}),
    ({**INT, "exclusiveMinimum": 0}, {**INT, "minimum": 1}),
    ({**INT, "multipleOf": 6}, {**INT, "multipleOf": 3}),
    ({**INT, "multipleOf": 7}, {**INT, "maximum": 99995}),
    ({"type": "number", "multipleOf": 0.5}, {"type": "number", "multipleOf": 0.25}),
    ({"type": "integer"}, {"type": "number", "multipleOf": 0.5}),
    ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["b", "c", "a"]}),
    ({"type": "string", "enum": ["ab"]}, {"type": "string", "pattern": "^a"}),
    ({"type": "string", "const": "ab"}, {"type": "string", "maxLength": 2, "not": {"const": "b"}}),
    ({"type": "boolean"}, {"type": "boolean", "enum": [True, False]}),
    ({"type": "integer", "minimum": 2, "maximum": 4}, {"type": "integer", "enum": [1, 2, 3, 4]}),
    ({"type": "string", "format": "uuid"}, {"type": "string", "minLength": 36, "maxLength": 64}),
    ({"type": "string", "maxLength": 3, "minLength": 2}, {"type": ["string", "null"], "maxLength": 3}),
    ({**TEXT, "pattern": "^a", "title": "x"}, {**TEXT, "pattern": "^a", "x-unit": "m"}),
    (TEXT, {**TEXT, "minimum": 7}),
    ({"type": "string", "maxLength": 3}, {"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 4}]}),
    ({"type": "string", "maxLength": 3}, {"allOf": [{"maxLength": 4}, {"type": "string"}]}),
    ({"allOf": [{"pattern": "a"}], "type": "string"}, {"allOf": [{"pattern": "a"}], "type": "string"}),
    (
        {"type": "object", "properties": {"a": INT}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": NUMBER, "b": TEXT}, "required": ["a"]},
    ),
    ({"type": "array", "items": INT, "uniqueItems": True, "maxItems": 3}, {"type": "array", "items": NUMBER, "maxItems": 4}),
    ({"type": "object", "properties": {"a": INT}}, {"type": "object"}),
]

REFUSED: list[tuple[Any, Any, str, str]] = [
    (INT, {**INT, "minimum": 1}, "", "minimum"),
    (INT, {**INT, "exclusiveMaximum": 99999}, "", "exclusiveMaximum"),
    (NUMBER, {"type": "number", "minimum": 0}, "", "minimum"),
    (NUMBER, {"type": "integer"}, "", "type"),
    (INT, {**INT, "multipleOf": 2}, "", "multipleOf"),
    (TEXT, {**TEXT, "maxLength": 5}, "", "maxLength"),
    ({**TEXT, "minLength": 1}, {**TEXT, "minLength": 2}, "", "minLength"),
    ({"type": ["string", "null"]}, TEXT, "", "type"),
    ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a"]}, "", "enum"),
    (TEXT, {"type": "string", "enum": ["a"]}, "", "enum"),
    ({"type": "boolean"}, {"type": "boolean", "const": True}, "", "const"),
    (TEXT, {**TEXT, "format": "date"}, "", "format"),
    ({"type": "integer", "minimum": 0, "maximum": 3}, {"type": "integer", "minimum": 0, "maximum": 2}, "", "maximum"),
    ({"type": "object"}, {"type": "object", "required": ["a"]}, "/a", "required"),
    ({"type": "object"}, {"type": "object", "additionalProperties": False}, "/*", "falseSchema"),
    ({"type": "object", "properties": {"a": TEXT}}, {"type": "object", "properties": {"a": INT}}, "/a", "type"),
    ({"type": "array"}, {"type": "array", "minItems": 1}, "", "minItems"),
    ({"type": "array"}, {"type": "array", "uniqueItems": True}, "", "uniqueItems"),
    ({"type": "array", "items": TEXT}, {"type": "array", "items": {**TEXT, "maxLength": 1}}, "/*", "maxLength"),
]

UNDECIDED: list[tuple[Any, Any]] = [
    ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "^[a]"}),
    (TEXT, {**TEXT, "not": {"const": "x"}}),
    (TEXT, {**TEXT, "if": {"minLength": 2}, "then": {"pattern": "a"}}),
    ({"type": "array"}, {"type": "array", "contains": {"type": "integer"}}),
    ({**TEXT, "allOf": [{"maxLength": 3}]}, {**TEXT, "maxLength": 3}),
]


@pytest.mark.parametrize(("source", "target"), ALLOWED)
def test_what_is_wider_refuses_nothing(source: Any, target: Any) -> None:
    assert refusals(source, target) == []


@pytest.mark.parametrize(("source", "target", "path", "rule"), REFUSED)
def test_what_is_narrower_is_told_with_place_and_rule(source: Any, target: Any, path: str, rule: str) -> None:
    found = refusals(source, target)
    assert [(one.path, one.rule, one.decided) for one in found] == [(path, rule, True)]
    example = found[0].example
    if example is not UNSET and not path:
        assert compiled(source).is_valid(example)
        assert not compiled(target).is_valid(example)


@pytest.mark.parametrize(("source", "target"), UNDECIDED)
def test_what_cannot_be_decided_is_refused_and_says_so(source: Any, target: Any) -> None:
    assert [one.decided for one in refusals(source, target)] == [False]


@pytest.mark.parametrize("values", [([1], [2]), ({"a": 1}, {"a": [2]})])
def test_examples_may_be_lists_and_objects(values: tuple[Any, Any]) -> None:
    one, other = values
    assert [(r.rule, r.example) for r in refusals({"enum": [one, other]}, {"enum": [one]})] == [("enum", other)]
    twice = {"allOf": [{"enum": [one]}, {"enum": [one], "title": "again"}]}
    assert [(r.rule, r.example) for r in refusals({"enum": [one, other], "allOf": [True]}, twice)] == [("enum", other)]
    assert distinct([Refusal("/a", "enum", "x", example=one), Refusal("/a", "enum", "x", example=other)]) == [
        Refusal("/a", "enum", "x", example=one)
    ]


def test_true_and_one_differ() -> None:
    assert [one.rule for one in refusals({"const": 1}, {"const": True})] == ["const"]


def test_values_are_counted_only_where_they_are_few() -> None:
    assert finite({"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 4}) == [4, 8]
    assert finite({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}) == [0, 0.25, 0.5, 0.75, 1]
    assert finite(INT) is None
    assert finite({"type": "number", "minimum": 0, "maximum": 1}) is None
