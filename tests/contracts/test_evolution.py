"""What is called compatible is: every event of one version, moved, is valid under the other. What is called a break has a witness."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from contract_versions import document, version
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema
from msgspec import UNSET

from streaming.contracts import Contract
from streaming.contracts.evolution import Break, breaks_between, breaks_of
from streaming.contracts.keywords import EVENT_RULES
from streaming.contracts.lift import lift
from streaming.contracts.move import as_is, move_along
from streaming.contracts.schema import parse_contract
from streaming.contracts.validator import compiled
from streaming.errors import ContractError

AT = "2026-01-01T00:00:00Z"
INT = {"type": "integer", "minimum": 0, "maximum": 100_000}
TEXT = {"type": "string", "maxLength": 8}


def told(*versions: Contract, compatibility: Any = "backward", transitive: bool = False) -> list[tuple[str, str, str]]:
    found = breaks_between(versions, compatibility, transitive=transitive)
    return [(one.who, one.path, one.rule) for one in found]


def test_a_new_field_needs_a_default_or_is_optional() -> None:
    first = version(1, {"n": INT})
    assert told(first, version(2, {"n": INT, "m": INT})) == [("old producers", "/m", "required")]
    assert told(first, version(2, {"n": INT, "m": INT}, optional=("m",))) == []
    assert told(first, version(2, {"n": INT, "m": {**INT, "x-default": 3}})) == []


def test_a_break_names_who_breaks_and_how_to_mend_it() -> None:
    (found,) = breaks_between([version(1, {"n": INT}), version(2, {"n": INT, "m": INT})])
    assert found.message == (
        "/m: required: is no field before, required now; old producers break (events of v1 are refused by v2); "
        "give m an x-default (or x-renamed-from, if it had another name), or keep it optional"
    )


def test_a_field_left_out_breaks_old_consumers_who_need_it() -> None:
    first, second = version(1, {"n": INT, "m": INT}), version(2, {"n": INT})
    assert told(first, second) == []
    assert told(first, second, compatibility="forward") == [("old consumers", "/m", "required")]


def test_an_added_field_breaks_old_consumers_whose_events_are_closed() -> None:
    first, second = version(1, {"n": INT}), version(2, {"n": INT, "m": INT}, optional=("m",))
    assert told(first, second, compatibility="full") == [("old consumers", "/m", "additionalProperties")]


def test_a_rename_is_declared_or_a_break() -> None:
    first = version(1, {"n": INT})
    assert told(first, version(2, {"m": {**INT, "x-renamed-from": "n"}})) == []
    assert told(first, version(2, {"m": INT})) == [("old producers", "/m", "required")]


def test_null_that_is_no_longer_allowed_needs_a_default_or_an_optional_field() -> None:
    first = version(1, {"n": {**INT, "type": ["integer", "null"]}})
    assert told(first, version(2, {"n": INT})) == [("old producers", "/n", "type")]
    assert told(first, version(2, {"n": INT}, optional=("n",))) == []
    assert told(first, version(2, {"n": {**INT, "x-default": 0}})) == []


def test_a_rule_between_fields_is_kept_or_cannot_be_decided() -> None:
    rule = {"if": {"properties": {"n": {"minimum": 5}}}, "then": {"required": ["t"]}}
    other = {"if": {"properties": {"n": {"minimum": 6}}}, "then": {"required": ["t"]}}
    first = version(1, {"n": INT, "t": TEXT}, optional=("t",), **rule)
    assert told(first, version(2, {"n": INT, "t": TEXT, "u": TEXT}, optional=("t", "u"), **rule)) == []
    (found,) = breaks_between([first, version(2, {"n": INT, "t": TEXT}, optional=("t",), **other)])
    assert (found.path, found.rule, found.decided) == ("", "if", False)
    # The rule is the same, but a default may now stand where it looks.
    assert told(first, version(2, {"n": INT, "t": {**TEXT, "x-default": "x"}}, **rule)) == [("old producers", "", "if")]


def test_dependencies_and_counts() -> None:
    first = version(1, {"n": INT, "t": TEXT}, optional=("n", "t"), dependentRequired={"n": ["t"]}, maxProperties=4)
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), dependentRequired={"n": ["t"]})) == []
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), dependentRequired={"t": ["n"]})) == [
        ("old producers", "/n", "dependentRequired")
    ]
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), dependentRequired={"n": ["who"]})) == []
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), maxProperties=3)) == [("old producers", "", "maxProperties")]
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), minProperties=2)) == []
    assert told(first, version(2, {"n": INT, "t": TEXT}, optional=("n", "t"), minProperties=3)) == [("old producers", "", "minProperties")]


def test_transitive_looks_at_all_versions_and_takes_defaults_and_renames_on_the_way() -> None:
    first = version(1, {"a": INT})
    second = version(2, {"b": {**INT, "x-renamed-from": "a"}, "m": {**INT, "x-default": 7}})
    third = version(3, {"c": {**INT, "x-renamed-from": "b"}, "m": INT})
    assert told(first, second, third, transitive=True) == []
    assert move_along([first, second, third]).event({"at": AT, "who": "w", "a": 1}) == {"at": AT, "who": "w", "c": 1, "m": 7}
    narrowed = version(2, {"a": {**INT, "maximum": 10}})
    widened = version(3, {"a": {**INT, "maximum": 20}})
    assert told(first, narrowed, widened) == [("old producers", "/a", "maximum")]
    assert [(one.older, one.newer) for one in breaks_between([first, narrowed, widened], transitive=True)] == [(1, 2), (1, 3)]


def test_a_closed_list_of_lists_and_objects_may_be_narrowed() -> None:
    first = version(1, {"v": {"enum": [[1], {"a": 2}], "x-role": "metadata"}})
    second = version(2, {"v": {"enum": [[1]], "x-role": "metadata"}})
    found = breaks_between([first, second], "full")
    assert [(one.who, one.path, one.rule, one.example) for one in found] == [("old producers", "/v", "enum", {"a": 2})]
    values = pa.array([json.dumps({"at": AT, "who": "w", "v": value}).encode() for value in ([1], {"a": 2})], pa.binary())
    assert lift(first, second)(values, first.decode(values).rows).places.tolist() == [0]


def test_null_alone_may_become_a_type() -> None:
    first = version(1, {"v": {"type": "null", "x-role": "metadata"}})
    typed = {"type": "integer", "minimum": 0, "maximum": 9}
    assert told(first, version(2, {"v": {**typed, "x-default": 0}})) == []
    assert told(first, version(2, {"v": typed}, optional=("v",))) == []
    assert told(first, version(2, {"v": typed})) == [("old producers", "/v", "type")]


FIELDS: list[dict[str, Any]] = [
    INT,
    {**INT, "minimum": 3},
    {**INT, "multipleOf": 5},
    {**INT, "multipleOf": 10, "maximum": 500},
    {"type": "integer", "enum": [0, 1, 5]},
    {"type": ["integer", "null"], "minimum": 0, "maximum": 7},
    {"type": "number", "minimum": 0},
    {"type": "number", "exclusiveMinimum": -1, "maximum": 200_000},
    {"type": ["number", "null"], "multipleOf": 0.5, "minimum": 0, "maximum": 9},
    TEXT,
    {"type": "string", "minLength": 2, "maxLength": 4},
    {"type": "string", "enum": ["a", "bc", "def"]},
    {"type": ["string", "null"], "enum": ["a", "bc", None]},
    {"type": "string", "pattern": "^a"},
    {"type": "string", "format": "uuid", "maxLength": 36},
    {"type": "string", "format": "date-time"},
    {"type": "boolean"},
    {"type": ["boolean", "null"]},
    {"type": "boolean", "const": True},
    {"type": "object", "properties": {"x": INT}, "additionalProperties": False, "x-role": "metadata"},
    {"type": "object", "properties": {"x": INT, "y": TEXT}, "required": ["x"], "additionalProperties": False, "x-role": "metadata"},
    {"type": "array", "items": INT, "maxItems": 2, "x-role": "metadata"},
    {"type": "array", "items": {"type": "number"}, "maxItems": 3, "x-role": "metadata"},
]
DEFAULTS: list[Any] = [UNSET, 0, 5, 1.5, "a", "abc", True, None, {}, {"x": 1}, [1], AT]
RULES: list[dict[str, Any]] = [
    {},
    {},
    {"dependentRequired": {"a": ["b"]}},
    {"maxProperties": 4},
    {"minProperties": 3},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
    {"allOf": [{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}]},
    {"not": {"required": ["a", "b"]}},
]
# Pairs of the same kind are likelier to be compatible than any two.
_KINDS = [[spec for spec in FIELDS if kind in str(spec["type"])] for kind in ("integer", "number", "string", "boolean", "object", "array")]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Contract, Contract]:
    """Two versions: fields kept, changed, renamed, added, left out; with and without defaults and rules."""
    olds, news = dict[str, Any](), dict[str, Any]()
    for name in ("a", "b"):
        kind = draw(st.sampled_from(_KINDS))
        olds[name] = draw(st.sampled_from(kind))
        changed = draw(st.sampled_from([olds[name], olds[name], *kind, *FIELDS]))
        default = draw(st.sampled_from(DEFAULTS))
        changed = changed if default is UNSET else {**changed, "x-default": default}
        fate = draw(st.sampled_from(["kept", "kept", "kept", "renamed", "left out", "added"]))
        if fate == "renamed":
            news[f"new_{name}"] = {**changed, "x-renamed-from": name}
        elif fate != "left out":
            news[name] = changed
        if fate == "added":
            del olds[name]
    optional = draw(st.sets(st.sampled_from([*olds, *news, "a"])))
    later = optional if draw(st.booleans()) else draw(st.sets(st.sampled_from([*olds, *news, "a"])))
    rule = draw(st.sampled_from(RULES))
    new_rule = rule if draw(st.booleans()) else draw(st.sampled_from(RULES))
    try:
        first = parse_contract(document(olds, tuple(optional), **rule), "thing", 1, "v1")
        return first, parse_contract(document(news, tuple(later), **new_rule), "thing", 2, "v2")
    except ContractError:
        assume(False)
        raise


# from_schema cannot draw objects with the hypothesis of today.
_OBJECTS = st.fixed_dictionaries({}, optional={"x": st.integers(0, 100_000), "y": st.text(max_size=8)})
_VALUES = [_OBJECTS if spec["type"] == "object" else from_schema(spec) for spec in FIELDS]


def events(contract: Contract) -> st.SearchStrategy[dict[str, Any]]:
    """Events near a contract; those that it refuses are to be left out."""
    specs = contract.resolved["properties"]
    base = {"at": st.just(AT), "who": st.just("w")}
    own = {name: _drawn(spec) for name, spec in specs.items() if name not in base}
    required = {name: own.pop(name) for name in list(own) if name in contract.resolved["required"]}
    return st.fixed_dictionaries(base | required, optional=own)


def _drawn(spec: dict[str, Any]) -> st.SearchStrategy[Any]:
    plain = {keyword: value for keyword, value in spec.items() if not keyword.startswith("x-")}
    place = next(i for i, known in enumerate(FIELDS) if {k: v for k, v in known.items() if not k.startswith("x-")} == plain)
    return _VALUES[place]


def valid(contract: Contract, found: Any) -> bool:
    return not contract.check(json.dumps(found).encode())


SLOW = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@SLOW
@given(pairs(), st.data())
def test_what_is_called_compatible_is_compatible(pair: tuple[Contract, Contract], data: st.DataObject) -> None:
    first, second = pair
    for source, target in ((first, second), (second, first)):
        for move in (move_along([source, target]), as_is(source, target)):
            found = breaks_of(move)
            event(f"{len(found)} breaks" if len(found) < 2 else "more breaks")
            if found:
                continue
            for one in data.draw(st.lists(events(source), min_size=3, max_size=6)):
                if valid(source, one):
                    assert target.check(json.dumps(move.event(one)).encode()) == []


@pytest.mark.slow
@settings(SLOW, max_examples=60)
@given(pairs(), st.data())
def test_the_lift_of_columns_is_the_lift_of_events(pair: tuple[Contract, Contract], data: st.DataObject) -> None:
    for source, target in (pair, pair[::-1]):
        drawn = [one for one in data.draw(st.lists(events(source), min_size=3, max_size=6)) if valid(source, one)]
        values = pa.array([json.dumps(one).encode() for one in drawn], pa.binary())
        lifted = lift(source, target)
        result = lifted(values, source.decode(values).rows)
        moved = pa.array([json.dumps(lifted.move.event(one)).encode() for one in drawn], pa.binary())
        expected = target.decode(moved)
        event("columns" if lifted.proved else "one by one")
        assert result.places.tolist() == expected.places.tolist()
        assert result.rows.equals(expected.rows)
        assert set(result.rejected) == set(expected.rejected)


@pytest.mark.slow
@SLOW
@given(pairs())
def test_a_decided_break_has_a_witness(pair: tuple[Contract, Contract]) -> None:
    first, second = pair
    for source, target, move in ((first, second, move_along([first, second])), (second, first, as_is(second, first))):
        # Rules between fields of the source may leave it no event at all, or none that is easily found.
        for found in [] if EVENT_RULES & set(source.document) else breaks_of(move):
            if found.decided and found.path.count("/") == 1 and "*" not in found.path:
                assert _witness(found, source, target, move), found


def _witness(found: Break, source: Contract, target: Contract, move: Any) -> bool:
    """Whether some event that the source allows is refused, at the place and by the rule of the break."""
    name = found.path[1:]
    old = move.names.get(name, name)
    specs = source.resolved["properties"]
    whole = {field.name: _some(specs[field.name])[0] for field in source.fields} | {"at": AT, "who": "w"}
    tries = [found.example] if found.example is not UNSET else _some(specs[old]) if old in specs else []
    every = [whole, *({**whole, old: value} for value in tries), {key: value for key, value in whole.items() if key != old}]
    every += [{key: value for key, value in one.items() if key in source.resolved["required"] or key == old} for one in list(every)]
    for one in every:
        if valid(source, one):
            reasons = target.check(json.dumps(move.event(one)).encode())
            if any(reason.path.startswith(found.path) for reason in reasons):
                return True
    return False


def _some(spec: dict[str, Any]) -> list[Any]:
    """Values of a property, at its limits too."""
    low, high = spec.get("minimum", spec.get("exclusiveMinimum", 0)), spec.get("maximum", 1e9)
    candidates: list[Any] = [
        *spec.get("enum", []), *([spec["const"]] if "const" in spec else []), None, True, False, low, low + 0.25, low + 0.5, low + 1, 3, 4,
        high, high - 1, 490, "", "a", "ab", "abcde", "abcdefgh", "abcdefghi", "zz",
        "6f1c2d3e-4a5b-4c6d-8e7f-901234567890", AT, {}, {"x": 1}, {"x": 1, "y": "z"}, [],
        [1], [1.5], [1, 2], [1, 2, 3],
    ]  # fmt: skip
    return [value for value in candidates if compiled(spec).is_valid(value)]
