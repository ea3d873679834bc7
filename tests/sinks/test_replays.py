"""A replayed event that was scored before is not scored again, whoever asks and however often a batch is done."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from prediction_rows import row, rows

from streaming.sinks import CONFLICT, REPEAT, STANDS
from streaming.sinks.memory import MemorySink
from streaming.sinks.replays import Replays


def stored(store: MemorySink, replays: Replays, batch: pa.RecordBatch, *, replayed: bool = True) -> list[int]:
    mask = np.full(batch.num_rows, replayed)
    return [int(verdict) for verdict in replays.store(batch, mask, store.held, store.write)]


@pytest.mark.parametrize(("body", "verdict"), [("x", REPEAT), ("y", CONFLICT)])
def test_what_another_batch_scored_at_this_address_is_no_first_time(body: str, verdict: int) -> None:
    store = MemorySink()
    stored(store, Replays("q/1"), rows(row("a", body="x", plan_id="q/1")))
    assert stored(store, Replays("q/2"), rows(row("a", body=body, plan_id="q/2"))) == [verdict]


@pytest.mark.parametrize("change", [{"event": "b"}, {"seconds": 1}], ids=str)
def test_an_address_with_a_prediction_gets_no_second_one_under_another_key(change: dict[str, object]) -> None:
    """Two replays of one event, one after the other on their way, with mappings that give it different ids or times."""
    store = MemorySink()
    other = row(**({"event": "a", "body": "y"} | change))  # type: ignore[arg-type]
    stored(store, Replays("q/1"), rows(row("a", body="x", plan_id="q/1")))
    assert stored(store, Replays("q/2"), rows(other | {"plan_id": "q/2"})) == [CONFLICT]
    assert [found["event_id"] for found in store.history] == ["a"]


def test_of_one_address_in_one_batch_the_first_is_scored_and_so_when_the_batch_is_done_again() -> None:
    store = MemorySink()
    batch = rows(row("a", body="x", plan_id="q/1"), row("b", body="y", plan_id="q/1"), row("a", body="x", plan_id="q/1"))
    for plan_id in ("q/1", "q/1", "q/1/r1"):
        assert stored(store, Replays(plan_id), batch) == [STANDS, CONFLICT, REPEAT]
    assert [found["event_id"] for found in store.history] == ["a"]


def test_the_same_address_of_another_deployment_or_of_a_shadow_is_another_matter() -> None:
    store = MemorySink()
    stored(store, Replays("q/1"), rows(row("a", plan_id="q/1")))
    others = rows(row("a2", deployment="fraud", plan_id="q/2"), row("a3", role="shadow", plan_id="q/2"))
    assert stored(store, Replays("q/2"), others) == [STANDS, STANDS]
    assert stored(store, Replays("q/3"), rows(row("a", plan_id="q/3"), row("a2", deployment="fraud", plan_id="q/3"))) == [REPEAT, REPEAT]


def test_an_event_that_was_scored_at_another_address_is_a_repeat_there() -> None:
    store = MemorySink()
    stored(store, Replays("q/1"), rows(row("a", plan_id="q/1")))
    assert stored(store, Replays("q/2"), rows(row("a", offset=9, plan_id="q/2"), row("b", offset=10, plan_id="q/2"))) == [REPEAT, STANDS]


def test_the_same_batch_done_again_judges_as_the_first_time_under_a_revised_plan_too() -> None:
    store = MemorySink()
    batch = rows(row("a", plan_id="q/1"), row("b", offset=1, plan_id="q/1"))
    for plan_id in ("q/1", "q/1", "q/1/r1"):
        assert stored(store, Replays(plan_id), batch) == [STANDS, STANDS]


def test_the_second_of_one_task_is_a_repeat() -> None:
    store, replays = MemorySink(), Replays("q/1")
    assert stored(store, replays, rows(row("a", plan_id="q/1"))) == [STANDS]
    assert stored(store, replays, rows(row("a", plan_id="q/1"))) == [REPEAT]
    assert stored(store, replays, rows(row("a", body="other", plan_id="q/1"))) == [CONFLICT]


def test_a_row_that_was_not_replayed_keeps_the_verdict_of_the_store() -> None:
    store = MemorySink()
    stored(store, Replays("q/1"), rows(row("a", plan_id="q/1")))
    assert stored(store, Replays("q/2"), rows(row("a", plan_id="q/2")), replayed=False) == [STANDS]
