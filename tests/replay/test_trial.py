"""A dry run judges as the job would: the same steps, the same bytes, the same contracts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_pipeline import event

from streaming.contracts import load_contract
from streaming.pipeline import contract_steps
from streaming.replay.outgoing import Replayed
from streaming.replay.trial import Trial, trial_plan, try_out
from streaming.settings import Stream
from streaming.sinks.acknowledged import Header, Outgoing
from streaming.steps import Step

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def steps() -> dict[str, Step]:
    return contract_steps({1: load_contract(REPOSITORY / "schemas" / "customer_activity" / "v1.json")})


def sent(value: Any, *, mapped: bool = False, timestamp: bytes = b"1767355200123", headers: tuple[Header, ...] = ()) -> Replayed:
    place = {"topic": b"events", "partition": b"0", "offset": b"1", "timestamp": timestamp, "id": b"run"}
    ours: list[Header] = [*((f"scoring.replay.{name}", text) for name, text in place.items()), ("scoring.attempt", b"2")]
    data = json.dumps(value).encode() if isinstance(value, dict) else value
    return Replayed(("events", 0, 1), Outgoing(data, b"k", [*headers, *ours]), mapped)


def test_what_passes_and_what_does_not_by_reason(steps: dict[str, Step]) -> None:
    events = [sent(event(1)), sent(event(2), mapped=True), sent(event(3, tenure=-1)), sent(None), sent(b"{"), sent(b"[")]
    events += [sent(event(4), timestamp=b"-1")._replace(readable=False), sent(event(5), headers=(("schema-version", b"9"),))]
    plan = trial_plan(Stream(checkpoint="unused"), "customer_activity", 1, "events.replay")
    assert try_out(events, steps, plan) == Trial(
        events=8,
        passing=2,
        mapped=1,
        unreadable=1,
        rejected={"minimum": 1, "null_value": 1, "json": 2, "number_range": 1, "unknown_schema_version": 1},
    )


def test_many_are_tried_in_parts(steps: dict[str, Step]) -> None:
    plan = trial_plan(Stream(checkpoint="unused"), "customer_activity", 1, "events.replay")
    found = try_out((sent(event(n)) for n in range(1201)), steps, plan)
    assert (found.events, found.passing, found.rejected) == (1201, 1201, {})
    assert try_out([], steps, plan) == Trial()
