from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from contract_versions import version

from streaming.contracts import Contract
from streaming.contracts.lift import Lift, lift

AT = "2026-01-01T00:00:00Z"
INT = {"type": "integer", "minimum": 0, "maximum": 100_000}
MAYBE = {**INT, "type": ["integer", "null"]}


def lifted(one: Lift, source: Contract, *events: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[int, list[str]]]:
    """Lifted rows without the envelope's fields, and the messages of the rejected."""
    values = pa.array([json.dumps({"at": AT, "who": "w", **event}).encode() for event in events], pa.binary())
    result = one(values, source.decode(values).rows)
    rows = [{name[6:]: value for name, value in row.items() if name not in ("event.at", "event.who")} for row in result.rows.to_pylist()]
    return rows, {place: [reason.message for reason in reasons] for place, reasons in result.rejected.items()}


def test_defaults_and_renames_move_whole_columns() -> None:
    first = version(1, {"n": INT, "gone": INT})
    second = version(
        2, {"amount": {"type": "number", "x-renamed-from": "n"}, "plan": {"type": "string", "maxLength": 9, "x-default": "free"}}
    )
    up = lift(first, second)
    assert up.proved
    assert lifted(up, first, {"n": 3, "gone": 1}) == ([{"amount": 3.0, "plan": "free"}], {})


def test_a_default_of_every_kind_is_a_value_of_its_column() -> None:
    defaults = {
        "t": {"type": "string", "format": "date-time", "x-default": "2026-01-01T01:00:00+01:00"},
        "j": {"type": "object", "x-role": "metadata", "x-default": {"b": 1, "a": [1.5]}},
        "f": {"type": "number", "x-default": 2},
        "b": {"type": "boolean", "x-default": False},
        "z": {"type": ["integer", "null"], "minimum": 0, "maximum": 9, "x-default": None},
    }
    first, second = version(1, {"n": INT}), version(2, {"n": INT, **defaults})
    up = lift(first, second)
    assert up.proved
    (row,), _ = lifted(up, first, {"n": 1})
    assert (row["t"].isoformat(), row["j"], row["f"], row["b"], row["z"]) == (
        "2026-01-01T00:00:00+00:00",
        '{"a":[1.5],"b":1}',
        2.0,
        False,
        None,
    )


def test_an_optional_field_that_becomes_required_is_filled_where_it_misses() -> None:
    first, second = version(1, {"n": MAYBE}, optional=("n",)), version(2, {"n": {**INT, "x-default": 7}})
    up = lift(first, second)
    assert up.proved
    assert lifted(up, first, {"n": 1}, {}, {"n": None})[0] == [{"n": 1}, {"n": 7}, {"n": 7}]


def test_null_and_absent_differ_where_a_default_stands_for_one_of_them() -> None:
    first, second = version(1, {"n": MAYBE}, optional=("n",)), version(2, {"n": {**MAYBE, "x-default": 7}})
    up = lift(first, second)
    assert not up.proved
    assert lifted(up, first, {"n": 1}, {}, {"n": None})[0] == [{"n": 1}, {"n": 7}, {"n": None}]


def test_what_is_not_proved_is_held_to_the_newer_version_event_by_event() -> None:
    first, second = version(1, {"n": INT}), version(2, {"n": {**INT, "maximum": 10}})
    up = lift(first, second)
    assert not up.proved
    assert lifted(up, first, {"n": 10}, {"n": 11}) == ([{"n": 10}], {1: ["/n: schema_version 2 (of v1, lifted): maximum 10, found 11"]})


def test_what_misses_is_named() -> None:
    first, second = version(1, {"n": INT}), version(2, {"n": INT, "m": INT})
    assert lifted(lift(first, second), first, {"n": 1}) == ([], {0: ["/m: schema_version 2 (of v1, lifted): required"]})


def test_newer_events_are_brought_back() -> None:
    first, second = version(1, {"n": INT}), version(2, {"amount": {**INT, "x-renamed-from": "n"}, "plan": {"type": "string"}})
    down = lift(second, first)
    assert down.proved
    assert lifted(down, second, {"amount": 4, "plan": "x"}) == ([{"n": 4}], {})


def test_versions_in_between_carry_defaults_and_renames() -> None:
    first = version(1, {"a": INT})
    second = version(2, {"b": {**INT, "x-renamed-from": "a"}, "m": {**INT, "x-default": 7}})
    third = version(3, {"c": {**INT, "x-renamed-from": "b"}, "m": INT})
    assert lifted(lift(first, third, [second]), first, {"a": 1}) == ([{"c": 1, "m": 7}], {})
    assert lifted(lift(third, first, [second]), third, {"c": 1, "m": 2}) == ([{"a": 1}], {})


def test_no_events_are_lifted_to_none() -> None:
    first, second = version(1, {"n": INT}), version(2, {"n": {**INT, "maximum": 10}})
    assert lifted(lift(first, second), first) == ([], {})
    assert lifted(lift(first, first), first) == ([], {})
