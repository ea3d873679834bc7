"""What is validated: schemas, and events made from them, good ones and bad ones of every kind that fits any schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from streaming.contracts.fields import Field
from streaming.contracts.schema import DIALECT, Contract, load_contract, parse_contract

CHURN = Path("schemas/customer_activity/v1.json")
_HEAD: dict[str, Any] = {
    "event_id": {"type": "string", "format": "uuid"},
    "event_time": {"type": "string", "format": "date-time"},
    "entity": {"type": "string", "minLength": 1, "maxLength": 64},
}
_BODY: list[dict[str, Any]] = [
    {"type": "number", "minimum": 0, "maximum": 1000},
    {"type": "string", "enum": ["No", "Yes", "No internet service"]},
    {"type": "integer", "minimum": 0, "maximum": 150},
    {"type": "boolean"},
    {"type": "string", "maxLength": 32},
]
Event = dict[str, Any]
Corruption = Callable[[Event, list[Field], Random], bytes]


@dataclass(frozen=True)
class Case:
    """One schema under test. subject: what the table calls it."""

    subject: str
    contract: Contract


def cases() -> list[Case]:
    """The churn schema, and generated ones of 5 and 200 fields."""
    return [Case("churn", load_contract(CHURN)), *(Case(f"{fields} fields", generated(fields)) for fields in (5, 200))]


def generated(fields: int) -> Contract:
    """A contract of so many fields: id, time, entity, then numbers, choices, integers, booleans and texts in turn, all required."""
    properties = _HEAD | {f"field_{place:03d}": _BODY[place % len(_BODY)] for place in range(fields - len(_HEAD))}
    naming = {"x-entity": "entity", "x-event-id": "event_id", "x-event-time": "event_time"}
    shape = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    return parse_contract({"$schema": DIALECT, **naming, **shape}, "generated", 1, f"generated schema of {fields} fields")


def events(contract: Contract, count: int, bad_share: float, seed: int = 0) -> list[bytes]:
    """JSON texts in random order, of which `bad_share` are bad in the ways of CORRUPTIONS, each as often as the others."""
    random = Random(seed)
    wrong = round(count * bad_share)
    kinds = list(CORRUPTIONS.values())
    fields = list(contract.fields)
    found = [encode(_good(fields, random)) for _ in range(count - wrong)]
    found += [kinds[place % len(kinds)](_good(fields, random), fields, random) for place in range(wrong)]
    random.shuffle(found)
    return found


def encode(event: Event) -> bytes:
    """An event as JSON text in UTF-8."""
    return json.dumps(event, ensure_ascii=False).encode()


def _good(fields: list[Field], random: Random) -> Event:
    return {field.name: _value(field, random) for field in fields}


def _value(field: Field, random: Random) -> Any:
    if field.choices is not None:
        return random.choice(field.choices)
    if field.limits.get("format") == "uuid":
        return str(UUID(int=random.getrandbits(128)))
    if field.kind == "timestamp":
        return f"2026-0{random.randint(1, 9)}-1{random.randint(0, 9)}T08:15:{random.randint(10, 59)}.{random.randrange(10**6):06d}Z"
    if field.kind == "string":
        return f"C{random.randrange(10**7):07d}"
    if field.kind == "boolean":
        return random.random() < 0.5
    limit = int(field.limits.get("maximum", 100))
    return random.randint(0, limit) if field.kind == "integer" else round(random.uniform(0, limit), 2)


def _put(*kinds: str, to: Any) -> Corruption:
    """Gives one of the fields of these kinds another value."""

    def corrupted(event: Event, fields: list[Field], random: Random) -> bytes:
        names = [field.name for field in fields if field.kind in kinds and field.limits.get("format") != "uuid"]
        return encode({**event, random.choice(names): to})

    return corrupted


def _missing(event: Event, fields: list[Field], random: Random) -> bytes:
    left_out = random.choice([field.name for field in fields if field.required])
    return encode({name: value for name, value in event.items() if name != left_out})


def _truncated(event: Event, _: list[Field], random: Random) -> bytes:
    value = encode(event)
    return value[: random.randrange(1, len(value))]


def _doubled(event: Event, _: list[Field], __: Random) -> bytes:
    name, value = list(event.items())[-1]
    return encode({name: value})[:-1] + b", " + encode(event)[1:]


CORRUPTIONS: dict[str, Corruption] = {
    "above its maximum": _put("number", to=1e9),
    "unknown or long text": _put("string", to="x" * 100),
    "number for a text": _put("string", to=17),
    "text for a number": _put("number", to="79.90"),
    "object for a value": _put("string", "number", to={}),
    "no such day": _put("timestamp", to="2026-02-30T08:15:00Z"),
    "no zone": _put("timestamp", to="2026-01-30T08:15:00"),
    "missing field": _missing,
    "unknown field": lambda event, _, __: encode({**event, "loyalty_tier": "gold"}),
    "no UUID": lambda event, _, __: encode({**event, "event_id": "12345"}),
    "truncated": _truncated,
    "doubled key": _doubled,
    "NaN": _put("number", to=float("nan")),
}
"""By name: ways in which producers break events. Each makes any event invalid."""
