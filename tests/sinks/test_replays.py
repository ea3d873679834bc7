"""A replayed event that was scored before is not scored again, whoever asks and however often a batch is done."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from prediction_rows import row, rows

from streaming.sinks import CONFLICT, REPEAT, STANDS
from streaming.sinks.memory import MemorySink
from streaming.sinks.replays import Replays


def judged(store: MemorySink, replays: Replays, batch: pa.RecordBatch, *, replayed: bool = True) -> list[int]:
    mask = np.full(batch.num_rows, replayed)
    return [int(verdict) for verdict in replays.judge(batch, mask, store.write(batch), store.standing)]


@pytest.mark.parametrize(("body", "verdict"), [("x", REPEAT), ("y", CONFLICT)])
def test_what_another_batch_scored_at_this_address_is_no_first_time(body: str, verdict: int) -> None:
    store = MemorySink()
    judged(store, Replays("q/1"), rows(row("a", body="x", plan_id="q/1")))
    assert judged(store, Replays("q/2"), rows(row("a", body=body, plan_id="q/2"))) == [verdict]


def test_the_same_batch_done_again_judges_as_the_first_time_under_a_revised_plan_too() -> None:
    store = MemorySink()
    batch = rows(row("a", plan_id="q/1"), row("b", offset=1, plan_id="q/1"))
    for plan_id in ("q/1", "q/1", "q/1/r1"):
        assert judged(store, Replays(plan_id), batch) == [STANDS, STANDS]


def test_the_second_of_one_task_is_a_repeat() -> None:
    store, replays = MemorySink(), Replays("q/1")
    assert judged(store, replays, rows(row("a", plan_id="q/1"))) == [STANDS]
    assert judged(store, replays, rows(row("a", plan_id="q/1"))) == [REPEAT]
    assert judged(store, replays, rows(row("a", body="other", plan_id="q/1"))) == [CONFLICT]


def test_a_row_that_was_not_replayed_keeps_the_verdict_of_the_store() -> None:
    store = MemorySink()
    judged(store, Replays("q/1"), rows(row("a", plan_id="q/1")))
    assert judged(store, Replays("q/2"), rows(row("a", plan_id="q/2")), replayed=False) == [STANDS]
