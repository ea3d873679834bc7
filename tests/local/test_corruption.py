from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streaming.contracts import Contract, load_contract
from streaming.local.corruption import KINDS, encode
from streaming.local.telco import event_fields, load_telco

SCHEMA = Path("schemas/customer_activity/v1.json")


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract(SCHEMA)


@pytest.fixture(scope="module")
def event() -> dict[str, str | int | float | None]:
    head = {"event_id": "0190a1b2-0000-4000-8000-000000000000", "event_time": "2026-01-31T08:15:00.000000Z"}
    return {**head, **event_fields(load_telco().head(1))[0]}


def test_the_event_they_start_from_is_valid(contract: Contract, event: dict[str, str | int | float | None]) -> None:
    assert contract.check(encode(event)) == []


def test_there_are_at_least_twelve_kinds() -> None:
    assert len(KINDS) >= 12


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"far_future", "null_value", "empty_value"}))
def test_the_contract_rejects(kind: str, contract: Contract, event: dict[str, str | int | float | None]) -> None:
    value = KINDS[kind](event)
    assert value is not None
    assert contract.check(value) != []


def test_an_event_from_the_far_future_is_valid_but_for_its_time(event: dict[str, str | int | float | None]) -> None:
    value = KINDS["far_future"](event)
    assert value is not None
    moment = datetime.fromisoformat(json.loads(value)["event_time"])
    assert moment > datetime.now(UTC) + timedelta(days=365 * 100)


def test_nothing_and_null_are_told_apart(event: dict[str, str | int | float | None]) -> None:
    assert KINDS["empty_value"](event) == b""
    assert KINDS["null_value"](event) is None


def test_kinds_differ(event: dict[str, str | int | float | None]) -> None:
    assert len({corrupt(event) for corrupt in KINDS.values()}) == len(KINDS)
