"""Events with one fault are told by the fast path, and as the exact path tells them of the whole event."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from streaming.contracts import alone, one_fault
from streaming.contracts.schema import DIALECT, Contract, parse_contract

HEAD: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "price"],
}
FIELDS: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time"},
    "who": {"type": "integer", "minimum": 0, "maximum": 9},
    "price": {"type": "number", "minimum": 0, "maximum": 100},
    "plan": {"type": "string", "enum": ["free", "paid"]},
    "code": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 8},
    "id": {"type": ["string", "null"], "format": "uuid"},
    "flag": {"type": "boolean"},
}
GOOD: dict[str, Any] = {"at": "2026-01-01T00:00:00Z", "who": 1, "price": 0.5, "plan": "free", "code": "ab", "id": None, "flag": True}
FLAT = parse_contract({**HEAD, "properties": FIELDS}, "flat", 1, "flat")
TIED = parse_contract({**HEAD, "properties": FIELDS, "dependentRequired": {"plan": ["flag"]}}, "tied", 1, "tied")
NESTED = parse_contract({**HEAD, "properties": {**FIELDS, "inside": {"x-role": "metadata", "type": "object"}}}, "nested", 1, "nested")
WIDE = parse_contract({**HEAD, "properties": {**FIELDS, "price": {"type": "number"}}}, "wide", 1, "wide")


def _event(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def _without(*names: str) -> bytes:
    return json.dumps({name: item for name, item in GOOD.items() if name not in names}).encode()


TOLD = [
    _event(who=10),
    _event(who=1.5),
    _event(who=None),
    _event(who="1"),
    _event(who={"a": 'b"c'}),
    _event(who=[]),
    _event(price=-0.5),
    _event(price=True),
    _event(price=10**30),
    _event(plan="gold"),
    _event(plan='"'),
    _event(plan=7),
    _event(code="A1"),
    _event(code="abcdefghi"),
    _event(id="12"),
    _event(id=5),
    _event(flag=0),
    _event(at="2026-02-30T00:00:00Z"),
    _event(at="2026-01-01"),
    _event(at=None),
    _event(more={"a": "b"}),
    _event(**{"with/slash": "é"}),
    _without("who"),
    _without("at"),
    b'{"plan": "free", ' + _event()[1:],
    b'{"who": 3, ' + _event()[1:],
    _event(price=float("nan")),
    _event(price=float("-inf")),
    _event(flag=float("inf")),
    _event(plan="NaN", price=float("nan")),
    _event(price=float("nan"), who=float("nan")),
    _event()[:-9],
    b"\xff",
    b"",
]


def _told(contract: Contract, *values: bytes) -> dict[int, Any]:
    return contract.fast.decode(pa.array(values, pa.binary()))[2]


@pytest.mark.parametrize("value", TOLD)
def test_one_fault_is_told_without_the_exact_path(value: bytes) -> None:
    whole = FLAT.exact.decode_whole(value)[1]
    assert whole != []
    assert _told(FLAT, _event(), value, _event()) == {1: whole}


LEFT = [
    _event(who=10, price=-1),
    _event(plan="gold", at="2026-02-30T00:00:00Z"),
    _event(code="A1", id="12"),
    _event(code="A1", at="2026-02-30T00:00:00Z"),
    _event(more=1, most=2),
    _without("who", "at"),
    _event(who=10, code="a\0"),
    b'{"who": 3, ' + _event(who=10)[1:],
    b'{"plan": "who", "who": 3, ' + _event(code="plan")[1:],
    _event(who=["x" * alone.LONGEST_VALUE]),
    b"[]",
    b'{"\\u0061t": 1}',
]


@pytest.mark.parametrize("value", LEFT)
def test_what_is_not_surely_one_fault_is_left_to_the_exact_path(value: bytes) -> None:
    assert _told(FLAT, _event(), value) == {}
    decoded = FLAT.decode(pa.array([value, _event()], pa.binary()))
    assert decoded.rejected == {0: FLAT.exact.decode_whole(value)[1]}
    assert decoded.places.tolist() == [1]


@pytest.mark.parametrize("value", [_event(plan=1), _event(more=1), _without("flag")])
def test_a_rule_between_fields_needs_the_whole_event(value: bytes) -> None:
    assert TIED.decode(pa.array([value], pa.binary())).rejected == {0: TIED.exact.decode_whole(value)[1]}
    assert _told(TIED, _event(plan=1)) == {}
    assert _told(TIED, _event(who=10)) == {0: TIED.check(_event(who=10))}


def test_a_doubled_key_is_told_with_other_faults_of_the_json() -> None:
    huge = b'{"who": 3, ' + _event(price=10**20)[1:]
    assert _told(WIDE, huge) == {}
    assert {reason.rule for reason in WIDE.decode(pa.array([huge], pa.binary())).rejected[0]} == {"duplicate_key", "number_range"}
    inside = b'{"who": 3, ' + _event(inside={"a": 10**20})[1:]
    assert _told(NESTED, inside) == {}
    assert NESTED.decode(pa.array([inside], pa.binary())).rejected == {0: NESTED.exact.decode_whole(inside)[1]}


def test_a_required_nested_field_may_be_what_is_missing() -> None:
    required = [*HEAD["required"], "inside"]
    contract = parse_contract({**NESTED.document, "required": required}, "nested", 1, "nested")
    decoded = contract.decode(pa.array([_event(), _event(inside={"a": ["b"]})], pa.binary()))
    assert decoded.rejected == {0: contract.exact.decode_whole(_event())[1]}
    assert decoded.places.tolist() == [1]


def test_any_number_of_unknown_names_is_told_and_few_are_remembered() -> None:
    contract = parse_contract({**HEAD, "properties": FIELDS}, "flat", 1, "flat")
    values = [_event(**{f"more{place}": 1}) for place in range(2 * one_fault.UNKNOWN_NAMES)]
    decoded = contract.decode(pa.array(values, pa.binary()))
    assert [reason.path for reasons in decoded.rejected.values() for reason in reasons] == [f"/more{place}" for place in range(len(values))]
    assert len(_told(contract, *values)) == one_fault.UNKNOWN_NAMES + len(FIELDS)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "KNOWN", 3)
    contract = parse_contract({**HEAD, "properties": FIELDS}, "forgetful", 1, "forgetful")
    values = [_event(who=number) for number in range(-20, 0)]
    assert list(_told(contract, *values).values()) == [contract.exact.decode_whole(value)[1] for value in values]
    assert contract.exact.alone.remembered <= 3


def test_a_wrong_value_does_not_touch_the_good_rows() -> None:
    values = [_event(who=place % 10, price=place / 7) for place in range(50)]
    mixed = [wrong for value in values for wrong in (value, *TOLD)]
    decoded, alone = FLAT.decode(pa.array(mixed, pa.binary())), FLAT.decode(pa.array(values, pa.binary()))
    assert decoded.rows.equals(alone.rows)
    assert len(decoded.rejected) == len(values) * len(TOLD)
