"""The laws of a store of predictions, over every store there is. A new one is tested the day it is listed here."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from kept import Kept, Memory, kept
from prediction_rows import NOON, row, rows

from streaming.sinks import CONFLICT, REPEAT, STANDS


@pytest.fixture(params=["memory", *(pytest.param(kind, marks=pytest.mark.integration) for kind in ("postgres", "hbase"))])
def store(request: pytest.FixtureRequest) -> Kept:
    return kept(request, request.param)


def verdicts(store: Kept, *entries: dict[str, Any]) -> list[int]:
    return [int(verdict) for verdict in store.sink.write(rows(*entries))]


def test_an_empty_batch_changes_nothing(store: Kept) -> None:
    assert verdicts(store) == []
    verdicts(store, row("a"))
    before = store.history(), store.current()
    assert verdicts(store) == []
    assert (store.history(), store.current()) == before


def test_a_replay_changes_nothing_and_has_the_verdicts_of_the_first_time(store: Kept) -> None:
    batch = [row("a", body="x"), row("b", entity="c2", offset=1), row("a", body="x", offset=2), row("a", body="y", offset=3)]
    first = verdicts(store, *batch)
    before = store.history(), store.current()
    assert first == [STANDS, STANDS, REPEAT, CONFLICT]
    assert verdicts(store, *batch) == first
    assert (store.history(), store.current()) == before


def test_a_replay_with_another_score_leaves_the_row_that_stands(store: Kept) -> None:
    verdicts(store, row("a", score=0.1))
    assert verdicts(store, row("a", score=0.9, plan_id="q/9")) == [STANDS]
    assert [entry[3] for entry in store.history()] == [0.1]
    assert [entry[3] for entry in store.current()] == [0.1]


def test_a_replay_in_another_order_stands_at_its_own_address(store: Kept) -> None:
    verdicts(store, row("a", body="x"), row("a", body="x", offset=5))
    assert verdicts(store, row("a", body="y", offset=9), row("a", body="x", offset=5), row("a", body="x")) == [CONFLICT, REPEAT, STANDS]
    assert [entry[5] for entry in store.history()] == [0]


@pytest.mark.parametrize("elsewhere", [{"offset": 7}, {"source_partition": 2}, {"source_topic": "t.replay"}], ids=str)
def test_the_first_row_of_an_event_stands(store: Kept, elsewhere: dict[str, Any]) -> None:
    verdicts(store, row("a", body="x", score=0.1))
    before = store.history(), store.current()
    assert verdicts(store, row("a", body="x", score=0.9, **elsewhere)) == [REPEAT]
    assert verdicts(store, row("a", body="y", score=0.9, **elsewhere)) == [CONFLICT]
    assert (store.history(), store.current()) == before


def test_the_same_id_at_another_time_is_another_event(store: Kept) -> None:
    assert verdicts(store, row("a", body="x"), row("a", body="y", seconds=1, offset=1)) == [STANDS, STANDS]
    assert len(store.history()) == 2


def test_current_never_goes_back(store: Kept) -> None:
    """The order is event time, broker time, partition, offset: each decides only where those before it are equal."""
    later = NOON + timedelta(seconds=1)
    ascending = [
        row("e0", offset=9, source_partition=9, received_at=later + timedelta(days=1)),
        row("e1", seconds=1, offset=8, source_partition=8, received_at=later),
        row("e2", seconds=1, offset=7, source_partition=7, received_at=later + timedelta(seconds=1)),
        row("e3", seconds=1, offset=6, source_partition=8, received_at=later + timedelta(seconds=1)),
        row("e4", seconds=1, offset=7, source_partition=8, received_at=later + timedelta(seconds=1)),
    ]
    for newest, entry in enumerate(ascending):
        verdicts(store, entry)
        assert [found[2] for found in store.current()] == [f"e{newest}"]
    for entry in ascending[:-1]:
        verdicts(store, entry | {"prediction_id": row(entry["event_id"] + "'")["prediction_id"]})
    assert [found[2] for found in store.current()] == ["e4"]


@pytest.mark.parametrize("seed", range(3))
def test_current_is_the_newest_whatever_the_order_within_a_batch(store: Kept, seed: int) -> None:
    entries = [row(f"e{n}", seconds=n % 5, offset=n) for n in range(20)]
    random.Random(seed).shuffle(entries)
    assert set(verdicts(store, *entries)) == {STANDS}
    assert [found[2] for found in store.current()] == ["e19"]


def test_entities_and_deployments_have_current_rows_of_their_own(store: Kept) -> None:
    verdicts(store, row("a"), row("b", entity="c2", seconds=9, offset=1), row("c", deployment="other", seconds=5, offset=2))
    assert [found[:3] for found in store.current()] == [("other", "c1", "c"), ("risk", "c1", "a"), ("risk", "c2", "b")]


def test_a_shadow_is_kept_and_is_never_current(store: Kept) -> None:
    verdicts(store, row("a", seconds=0))
    verdicts(store, row("b", seconds=9, offset=1, role="shadow", variant="next"))
    assert [found[2] for found in store.current()] == ["a"]
    assert [found[2] for found in store.history()] == ["champion", "shadow"]


def test_a_row_that_does_not_stand_is_not_current(store: Kept) -> None:
    verdicts(store, row("a", body="x"))
    verdicts(store, row("a", body="y", offset=99), row("a", body="x", offset=98))
    assert [found[5] for found in store.current()] == [0]


def drawn(draw: random.Random, offset: int) -> dict[str, Any]:
    return row(
        f"e{draw.randrange(40)}",
        entity=f"c{draw.randrange(4)}",
        seconds=draw.randrange(3),
        body=draw.choice("xy"),
        offset=offset,
        source_partition=draw.randrange(2),
        role=draw.choice(["champion", "champion", "shadow"]),
        score=draw.random(),
    )


def traffic(seed: int) -> list[pa.RecordBatch]:
    """Batches of few events of few customers, so that repeats, conflicts, replays and late events all come about."""
    draw = random.Random(seed)
    sent: list[dict[str, Any]] = []
    batches = []
    for start in range(0, 300, 10):
        entries = [draw.choice(sent) if sent and draw.random() < 0.3 else drawn(draw, start + n) for n in range(draw.randrange(10))]
        sent += entries
        batches.append(rows(*{entry["source_offset"]: entry for entry in entries}.values()))  # an address comes once in a batch
    return batches


@pytest.mark.parametrize("seed", range(3))
def test_every_store_does_as_the_one_in_memory(store: Kept, seed: int) -> None:
    model, seen = Memory(), set()
    for batch in traffic(seed):
        expected = model.sink.write(batch).tolist()
        assert store.sink.write(batch).tolist() == expected
        seen |= set(expected)
    assert (store.history(), store.current()) == (model.history(), model.current())
    assert seen == {STANDS, REPEAT, CONFLICT}
