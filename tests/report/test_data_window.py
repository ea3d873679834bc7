"""What a window makes of messages is what the stream makes of them: formats, versions, rejections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from contract_versions import version
from tests_support import a_plan
from wire_events import CASES, CONTRACT, batch_of, message_of_case, registered

from streaming.contracts import Contract
from streaming.contracts.statistics import describe
from streaming.contracts.statistics.parse import block_of_rows
from streaming.pipeline import contract_steps
from streaming.report.data_window import Window, describable, window_of
from streaming.steps import run_steps

AMOUNT = {"type": "integer", "minimum": 0, "maximum": 10}
OLD = version(1, {"sum": AMOUNT})
NEW = version(
    2,
    {
        "amount": AMOUNT | {"x-renamed-from": "sum"},
        "tier": {"type": "string", "maxLength": 8, "x-default": "none"},
        "tags": {"x-role": "metadata"},
    },
    optional=("tags",),
)
VERSIONS = {1: OLD, 2: NEW}
GOOD = {"at": "2026-01-02T00:00:00Z", "who": "a"}


def message(event: Mapping[str, Any] | bytes, number: int | None = None) -> tuple[bytes, list[tuple[str, bytes]]]:
    headers = [] if number is None else [("schema-version", str(number).encode())]
    return event if isinstance(event, bytes) else json.dumps(event).encode(), headers


def window(messages: list[tuple[bytes, list[tuple[str, bytes]]]], contracts: Mapping[int, Contract] = VERSIONS, reads: int = 2) -> Window:
    return window_of([batch_of(messages)], contracts, a_plan(schema_version=reads))


def test_events_of_an_older_version_are_lifted() -> None:
    found = window([message(GOOD | {"sum": 3}, 1), message(GOOD | {"amount": 4, "tier": "gold", "tags": ["x"]})])
    assert (found.messages, found.unreadable, found.refused) == (2, 0, {})
    new, old = found.rows
    assert new == GOOD | {"amount": 4, "tier": "gold", "tags": ["x"]}
    assert old == GOOD | {"at": "2026-01-02T00:00:00.000000Z", "amount": 3, "tier": "none"}


def test_events_of_the_own_version_stay_as_they_are_sent() -> None:
    wrong = GOOD | {"amount": 99, "tier": None}
    found = window([message(wrong, 2)])
    assert (found.rows, found.unreadable, found.refused) == ([wrong], 0, {"maximum": 1})


def test_what_the_stream_rejects_is_counted_by_reason() -> None:
    found = window(
        [
            message(GOOD | {"sum": 99}, 1),
            message(GOOD | {"amount": 1}, 7),
            message(b"rubbish"),
            message(b""),
            message(b"[1]"),
            message(b"\xff", 1),
        ]
    )
    assert found.rows == []
    assert found.refused == {"maximum": 1, "unknown_schema_version": 1, "json": 1, "empty_value": 1, "type": 1, "encoding": 1}
    assert found.unreadable == 4


def test_invented_names_are_described_up_to_a_limit() -> None:
    rows = [GOOD | {"a": 1, "b": 2}, GOOD | {"a": 1, "c": 3, "d": 4}, {"amount": 1, "d": 5}]
    assert describable(rows, NEW, most=3) == [rows[0], GOOD | {"a": 1, "c": 3}, {"amount": 1}]
    invented = [{f"x{n}": 1 for n in range(20_000)}]
    assert describe([block_of_rows(describable(invented, NEW))]).rows == 1


def test_every_wire_format_is_read_as_the_stream_reads_it() -> None:
    batch = batch_of([message_of_case(case) for case in CASES])
    plan = a_plan()
    found = window_of([batch], {1: CONTRACT}, plan, registered())
    passage = run_steps(contract_steps({1: CONTRACT}, registered()), batch, plan)
    rejected = sum(part.num_rows for part in passage.rejected)
    assert passage.rows.num_rows > 10 and rejected > 10
    assert sum(found.refused.values()) == rejected
    events = CONTRACT.decode(pa.array([json.dumps(row).encode() for row in found.rows], pa.binary()))
    assert events.rows.num_rows == passage.rows.num_rows
    assert found.messages == len(CASES) == len(found.rows) + found.unreadable
