"""What the path for flat events tells is what the exact path tells of the whole event, reason for reason, in its order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from generated_events import SCHEMA, STREAMS, Stream
from hypothesis import HealthCheck, Phase, given, settings

from streaming.contracts import flat
from streaming.contracts.reasons import SHOWN_REASONS
from streaming.contracts.schema import DIALECT, parse_contract

CONTRACT = parse_contract(SCHEMA, "generated", 1, "generated")
HEAD: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who"],
}
FIELDS: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time"},
    "who": {"type": "integer", "minimum": 0, "maximum": 9},
    "plan": {"type": "string", "enum": ["free", "paid"], "maxLength": 4},
    "price": {"type": "number", "exclusiveMinimum": 0},
    "flag": {"type": "boolean"},
    "wide": {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1},
    "inside": {"x-role": "metadata", "type": ["object", "null"]},
}
PLAIN = parse_contract({**HEAD, "properties": FIELDS}, "plain", 1, "plain")
GOOD: dict[str, Any] = {"at": "2026-01-01T00:00:00Z", "who": 1, "plan": "free", "price": 0.5, "flag": True}


def _event(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(STREAMS)
def test_generated_events_have_the_reasons_of_the_whole(stream: Stream) -> None:
    values = stream.events(400)
    differing = [value for value in values if CONTRACT.exact.decode(value) != CONTRACT.exact.decode_whole(value)]
    assert differing == []
    assert any(CONTRACT.exact.flat.reasons(value) for value in values)


FLAT = [
    _event(who=-1),
    _event(who=True),
    _event(who=1.5),
    _event(who="1", plan="gold", price=0, flag=1),
    _event(plan=None),
    _event(plan="x" * 500),
    _event(price=0.0),
    _event(price=-0.0),
    _event(at="2026-02-30T00:00:00Z"),
    _event(more=1, **{"with/slash": "a", "tenure": None}),
    _event(wide=2**63, who=2**63),
    b"{}",
    b'{"who": 1e2, "at": "\\u00e9"}',
]


@pytest.mark.parametrize("value", FLAT)
def test_flat_event_is_explained_here(value: bytes) -> None:
    assert PLAIN.exact.flat.reasons(value) != []
    assert [PLAIN.check(value) for _ in range(2)] == [PLAIN.exact.decode_whole(value)[1]] * 2


@pytest.mark.parametrize(
    "value",
    [
        _event(),
        _event(who=1.0),
        b"",
        b"[]",
        b'{"who": 1',
        b'{"who": 1, "who": -1}',
        b'{"who": 1, "at": "\\u0000"}',
        b'{"who": -1, "plan": "\\""}',
        b'{"who": NaN}',
        b'{"price": 1e400}',
        b'{"who": 18446744073709551616}',
        b'{"plan": "\xff"}',
        b'{"plan": "\\ud800"}',
        b'{"inside": {"a": 1}}',
        b'{"plan": []}',
        json.dumps({f"more{i}": i for i in range(SHOWN_REASONS)}).encode(),
    ],
)
def test_what_needs_the_whole_event_is_left_to_the_exact_path(value: bytes) -> None:
    assert PLAIN.exact.flat.reasons(value) == []
    assert PLAIN.exact.decode(value) == PLAIN.exact.decode_whole(value)


def test_signs_of_zero_are_told_apart() -> None:
    assert [PLAIN.check(_event(price=price))[0].value for price in (0.0, -0.0, 0.0, 0)] == ["0.0", "-0.0", "0.0", "0"]


def test_rules_between_fields_are_left_to_the_exact_path_where_they_do_not_hold() -> None:
    contract = parse_contract({**HEAD, "properties": FIELDS, "dependentRequired": {"plan": ["flag"]}}, "tied", 1, "tied")
    both = json.dumps({"at": GOOD["at"], "who": -1, "plan": "free"}).encode()
    assert contract.exact.flat.reasons(both) == []
    assert [reason.rule for reason in contract.check(both)] == ["minimum", "dependentRequired"]
    assert [reason.rule for reason in contract.exact.flat.reasons(_event(who=-1))] == ["minimum"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "KNOWN", 3)
    contract = parse_contract({**HEAD, "properties": FIELDS}, "forgetful", 1, "forgetful")
    values = [_event(who=number, plan=f"plan{number}") for number in range(-20, 0)]
    assert [contract.check(value) for value in values] == [contract.exact.decode_whole(value)[1] for value in values]
    assert contract.exact.flat.remembered <= 3
