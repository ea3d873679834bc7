"""The ledger's messages: seeded, of every kind, and each what it says it is, by the contract of the events."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from faults.ledger import BREAKAGES, messages

from streaming.contracts import load_contract

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MANY = list(islice(messages(7, lambda: NOW), 3000))


def test_the_same_seed_gives_the_same_messages() -> None:
    assert list(islice(messages(7, lambda: NOW), 200)) == MANY[:200]
    assert list(islice(messages(8, lambda: NOW), 200)) != MANY[:200]


def test_every_kind_comes_and_two_in_a_hundred_are_broken() -> None:
    kinds = Counter(one.kind for one in MANY)
    assert set(kinds) == {"good", "repeat", "conflict", "broken"}
    assert 30 < kinds["broken"] < 90
    assert {one.reason for one in MANY if one.kind == "broken"} == set(BREAKAGES)


def test_good_ones_keep_the_contract_and_broken_ones_break_the_rule_that_they_name() -> None:
    contract = load_contract(Path(__file__).resolve().parents[2] / "schemas/customer_activity/v1.json")
    told_by_the_contract = set(BREAKAGES) - {"future_time", "empty_value", "null_value"}
    for one in MANY:
        if one.kind != "broken":
            assert one.value is not None
            assert contract.check(one.value) == []
        elif one.reason in told_by_the_contract:
            assert one.value is not None
            assert contract.check(one.value)[0].rule == one.reason


def test_repeats_and_conflicts_follow_what_they_are_of() -> None:
    came: dict[tuple[str, str], bytes | None] = {}
    for one in MANY:
        key = one.event_id, one.event_time
        if one.kind == "good":
            came[key] = one.value
        if one.kind == "repeat":
            assert came[key] == one.value
        if one.kind == "conflict":
            assert came[key] != one.value
            assert json.loads(one.value or b"")["customer_id"] == one.entity


def test_some_are_late_and_some_share_their_time() -> None:
    times = [one.event_time for one in MANY if one.kind == "good"]
    assert 0.1 < sum(time < "2026-03-04T05:06:00" for time in times) / len(times) < 0.3
    assert max(Counter(times).values()) > 100
