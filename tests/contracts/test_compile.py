from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pyarrow as pa
import pytest
from contract_versions import document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.contracts import Contract
from streaming.contracts.schema import parse_contract
from streaming.errors import ContractError

AT = "2026-01-01T00:00:00Z"
GOOD = {"at": AT, "who": "w"}


def contract(**spec: Any) -> Contract:
    return parse_contract(document({"v": spec}, optional=("v",)), "thing", 1, "thing")


def accepted(made: Contract, *values: Any) -> list[bool]:
    """Verdicts on events with these values of v; both paths must give the same."""
    events = [json.dumps({**GOOD, "v": value}).encode() for value in values]
    places = made.decode(pa.array(events, pa.binary())).places.tolist()
    assert places == [place for place, event in enumerate(events) if not made.check(event)]
    assert set(made.fast.decode(pa.array(events, pa.binary()))[1].tolist()) <= set(places)
    return [place in places for place in range(len(values))]


@pytest.mark.parametrize(
    ("bounds", "allowed"),
    [
        ({"minimum": 0, "exclusiveMinimum": -1, "maximum": 9}, [0, 1, 9]),
        ({"minimum": 0, "exclusiveMinimum": 0, "maximum": 9}, [1, 9]),
        ({"minimum": -1, "exclusiveMinimum": 0, "maximum": 9}, [1, 9]),
        ({"minimum": 0, "maximum": 9, "exclusiveMaximum": 9}, [0, 1]),
        ({"minimum": 0, "maximum": 9, "exclusiveMaximum": 99}, [0, 1, 9]),
        ({"minimum": 0, "maximum": 99, "exclusiveMaximum": 9}, [0, 1]),
        ({"minimum": 0, "exclusiveMinimum": 0, "maximum": 9, "exclusiveMaximum": 9}, [1]),
    ],
)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_of_two_bounds_on_one_side_both_hold(kind: str, bounds: dict[str, Any], allowed: list[int]) -> None:
    values = [-1, 0, 1, 9, 10]
    assert accepted(contract(type=kind, **bounds), *values) == [value in allowed for value in values]


@pytest.mark.parametrize(("keyword", "fits"), [("maxLength", True), ("minLength", False)])
@pytest.mark.parametrize("length", [2**31 + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_length_that_no_text_has_is_held_too(keyword: str, length: int, fits: bool) -> None:
    assert accepted(contract(type="string", **{keyword: length}), "", "ab") == [fits, fits]


@pytest.mark.parametrize("spec", [{"type": "number"}, {"type": ["number", "null"], "maximum": 2**60}, {"type": "number", "minimum": 0}, {}])
def test_an_integer_beyond_64_bits_is_out_of_range_wherever_it_stands(spec: dict[str, Any]) -> None:
    made = contract(**{"x-role": "metadata", **spec})
    inside = 2**60 if "maximum" in spec else 2**64 - 1
    assert accepted(made, inside, 2.0**59, 2**64, -(2**63) - 1, 10**30, 10**400) == [True, True, False, False, False, False]
    if not spec:
        assert accepted(made, [2**64 - 1, -(2**63)], [2**64, 2**64 + 1], {"a": [-(2**63) - 1]}) == [True, False, False]
    told = made.check(json.dumps({**GOOD, "v": 2**64, "other": 1}).encode())
    assert [(reason.path, reason.rule, reason.value) for reason in told] == [("/v", "number_range", "18446744073709551616")]


def test_large_doubles_stay_numbers() -> None:
    assert accepted(contract(type="number"), 1e300, -1e19, 2.0**64) == [True, True, True]


BOUNDS = st.sampled_from([-(2**63), -5, 0, 1, 1.5, 7, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 1e300])
LENGTHS = st.sampled_from([0, 1, 3, 3.0, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 1e300])
KINDS = st.sampled_from(["string", "integer", "number", "boolean", "object"])
VALUES = st.sampled_from([None, "", "a", "abc", AT, True, 0, 1, 1.5, 7, 2**53 + 1, 2**63 - 1, 2**64 - 1, -0.0, 1e300, {"v": 1}])
SPECS = st.fixed_dictionaries(
    {"type": KINDS | st.lists(KINDS | st.just("null"), min_size=1, max_size=2, unique=True)},
    optional={
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUNDS),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "minProperties"), LENGTHS),
        "multipleOf": st.sampled_from([1, 0.5, 3, 1e-300, 1e300, 2**64 - 1]),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "pattern": st.sampled_from(["^a", "a$", "(", "a++", "[[:alpha:]]"]),
        "format": st.sampled_from(["uuid", "date-time", "date", "email"]),
        "not": st.fixed_dictionaries({}, optional={"const": VALUES, "minLength": LENGTHS}),
        "x-role": st.sampled_from(["feature", "metadata", "target"]),
        "x-environments": st.sampled_from([["training"], ["serving"], ["serving", 1]]),
        "x-default": VALUES,
        "x-positive": VALUES,
    },
)


def fewer(spec: dict[str, Any], kept: set[int]) -> dict[str, Any]:
    """Some of the keywords: with all of them hardly a schema loads."""
    return {keyword: value for place, (keyword, value) in enumerate(spec.items()) if keyword == "type" or place in kept}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.builds(fewer, SPECS, st.sets(st.integers(0, 17), max_size=5)), st.lists(VALUES, min_size=1, max_size=4))
def test_what_loads_judges_events_in_both_environments(spec: dict[str, Any], values: list[Any]) -> None:
    made = document({"v": spec}, optional=("v",))
    if not jsonschema_rs.meta.is_valid(made):
        return
    try:
        contracts = [parse_contract(made, "thing", 1, "thing"), parse_contract(made, "thing", 1, "thing", "training")]
    except ContractError:
        return
    for one in contracts:
        accepted(one, *values)
