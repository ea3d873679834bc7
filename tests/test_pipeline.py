"""One task of the scoring path, with the real model and contracts and the public sinks in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_model import NOW, churn_model, churn_plan, customers
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.delivery import Delivery, Destination
from streaming.errors import Unavailable
from streaming.metrics.tally import Tally, merge_tallies
from streaming.pipeline import TaskRun
from streaming.records import PREDICTION, RAW, rfc3339
from streaming.settings import Store as StoreSettings
from streaming.sinks import Busy
from streaming.testing import MemoryRejects, MemorySink, raw_batch

SCHEMA = Path(__file__).parents[1] / "schemas" / "customer_activity" / "v1.json"


def event(n: int, **changes: Any) -> dict[str, Any]:
    """A good event of the nth held-out customer, a second after the one before."""
    fields = {"event_id": str(UUID(int=n)), "event_time": rfc3339(NOW - timedelta(hours=1) + timedelta(seconds=n))}
    return {**fields, **customers()[n % len(customers())], **changes}


def mixed() -> pa.RecordBatch:
    """Events of every fate: 24 good, 1 repeat, 1 conflict, 4 rejected."""
    good = [event(n) for n in range(24)]
    bad: list[Any] = [None, b"{", event(30, tenure=-1), event(31, event_time="2999-01-01T00:00:00Z")]
    return raw_batch([*good[:12], good[3], event(4, tenure=71), *bad, *good[12:]], key=b"k", received_at=NOW)


class Task:
    """A task with sinks of its own."""

    def __init__(self, folder: Path | None = None, store: Any = None, rejected: Any = None, others: dict[str, Any] | None = None) -> None:
        self.store, self.rejected = store or MemorySink(), rejected or MemoryRejects()
        to = Destination(
            job="test", store=StoreSettings(dsn="unused", retry_max_s=0.01), bootstrap_servers="", client=(), rejected_topic="",
            rejected_max_bytes=0, scoring_log=str(folder), event="customer_activity", contracts=((1, SCHEMA.read_text()),),
        )  # fmt: skip
        self._delivery = Delivery(to, self.store, self.rejected, others=others or {})

    def run(self, **plan: Any) -> TaskRun:
        return TaskRun(self._delivery, msgspec.structs.replace(churn_plan(), **plan), churn_model())

    def take(self, batch: pa.RecordBatch) -> Tally:
        return self.run().take(batch)[0]


def outcomes(task: Task) -> dict[str, Any]:
    """What a reader finds, without the time of scoring, which is no part of the outcome."""
    unlike = {"scored_at"}
    return {
        "history": {row["prediction_id"]: {k: v for k, v in row.items() if k not in unlike} for row in task.store.history},
        "current": {key: row["prediction_id"] for key, row in task.store.current.items()},
        "rejected": {row["source_offset"]: row for row in task.rejected.rows},
    }


def counts(tally: Tally) -> tuple[Any, ...]:
    return (
        tally.events, tally.scored, tally.repeated, tally.rejected_by_reason, tally.features, tally.score, sum(tally.latency_ms.values()),
    )  # fmt: skip


def test_every_event_has_one_outcome() -> None:
    task = Task()
    tally = task.take(mixed())
    assert (tally.events, tally.scored, tally.repeated, tally.rejected) == (30, 24, 1, 5)
    assert tally.rejected_by_reason == {"null_value": 1, "json": 1, "minimum": 1, "future_time": 1, "event_conflict": 1}
    served = [row["source_offset"] for row in task.store.history]
    refused = [row["source_offset"] for row in task.rejected.rows]
    assert sorted([*served, *refused, 12]) == list(range(30)), "offset 12 is the repeat"


def test_a_prediction_names_event_address_version_and_times() -> None:
    task = Task()
    began = datetime.now(UTC)
    task.take(raw_batch([event(5)], topic="activity", partition=3, first_offset=77, received_at=NOW))
    (row,) = task.store.history
    assert list(row) == PREDICTION.names
    assert (row["event_id"], row["entity_id"], row["schema_version"]) == (str(UUID(int=5)), customers()[5]["customer_id"], 1)
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == ("activity", 3, 77)
    assert (row["model_name"], row["model_version"], row["role"], row["variant"]) == ("churn", "7", "champion", "champion")
    assert (row["plan_id"], row["deployment"], row["received_at"]) == ("q/3", "churn_risk", NOW)
    assert row["event_time"] == NOW - timedelta(hours=1) + timedelta(seconds=5)
    assert began <= row["scored_at"] <= datetime.now(UTC)
    assert 0 < row["score"] < 1
    assert (row["scores"], row["explanation"]) == (None, None)


def test_a_rejection_keeps_the_event_and_names_model_and_attempt() -> None:
    task = Task()
    batch = mixed()
    task.run().take(batch)
    originals = {row["source_offset"]: row for row in batch.to_pylist()}
    for row in task.rejected.rows:
        assert {name: row[name] for name in RAW.names} == originals[row["source_offset"]]
        assert (row["model"], row["attempt"]) == ("churn/7", 1)


def test_a_conflict_is_rejected_and_what_stood_stands() -> None:
    task = Task()
    task.take(raw_batch([event(1)]))
    before = task.store.history
    tally = task.take(raw_batch([event(1, tenure=71)], first_offset=50))
    (row,) = task.rejected.rows
    assert (tally.scored, tally.repeated, tally.rejected_by_reason) == (0, 0, {"event_conflict": 1})
    assert (row["stage"], row["reason"], row["source_offset"], row["schema_version"]) == ("store", "event_conflict", 50, 1)
    assert json.loads(row["value"])["tenure"] == 71
    assert "scored before with other bytes" in row["message"]
    assert task.store.history == before


def test_repeats_and_conflicts_do_not_weigh_on_the_distributions() -> None:
    clean, dirty = (
        Task().take(raw_batch([event(n) for n in range(3)])),
        Task().take(raw_batch([event(0), event(1), event(1), event(0, tenure=70), event(2)])),
    )
    assert (dirty.features, dirty.score, dirty.score_sum) == (clean.features, clean.score, clean.score_sum)
    assert dirty.score is not None and dirty.score.total == 3


@settings(max_examples=20, deadline=None)
@given(cuts=st.sets(st.integers(1, 29), max_size=12))
def test_outcomes_and_counts_do_not_depend_on_how_a_batch_is_cut(cuts: set[int]) -> None:
    """Laws 2 and 5: the same ids, the same scores bit for bit, the same rejections, the same counts."""
    batch, whole, cut = mixed(), Task(), Task()
    bounds = [0, *sorted(cuts), batch.num_rows]
    all_at_once = whole.take(batch)
    in_parts = merge_tallies(cut.take(batch.slice(a, b - a)) for a, b in pairwise(bounds))
    assert outcomes(cut) == outcomes(whole)
    assert counts(in_parts) == counts(all_at_once)


def test_scores_of_one_row_batches_are_those_of_one_large_batch_bit_for_bit() -> None:
    batch, whole, single = raw_batch([event(n) for n in range(400)]), Task(), Task()
    whole.take(batch)
    for n in range(0, 400, 5):
        single.take(batch.slice(n, 1))
    alone = {row["prediction_id"]: row["score"].hex() for row in single.store.history}
    assert alone == {row["prediction_id"]: row["score"].hex() for row in whole.store.history if row["source_offset"] % 5 == 0}


def test_a_replay_has_the_same_effect_and_the_same_counts(tmp_path: Path) -> None:
    task = Task(tmp_path)
    first = task.run().take_all(iter([mixed()]), 0)
    before, log = outcomes(task), [*tmp_path.rglob("*.parquet")]
    again = task.run().take_all(iter([mixed()]), 0)
    after = outcomes(task)
    assert counts(again) == counts(first)
    assert (after["history"], after["current"]) == (before["history"], before["current"])
    assert set(after["rejected"]) == set(before["rejected"]), "rejected again, at the same addresses"
    assert [*tmp_path.rglob("*.parquet")] == log


def test_the_scoring_log_holds_what_stands_as_the_model_got_it(tmp_path: Path) -> None:
    task, batch = Task(tmp_path), mixed()
    tally = task.run().take_all(iter([batch.slice(0, 20), batch.slice(20)]), 2)
    (path,) = tmp_path.rglob("*.parquet")
    log = pq.read_table(path, partitioning=None).to_pylist()
    assert path.name == "q-000000003-0002.parquet"
    assert tally.scored == len(log) == 24
    assert {row["prediction_id"]: row["score"] for row in log} == {row["prediction_id"]: row["score"] for row in task.store.history}
    assert {row["event.tenure"] for row in log} == {customers()[n]["tenure"] for n in range(24)}


def test_no_batches_are_an_empty_tally(tmp_path: Path) -> None:
    tally = Task(tmp_path).run().take_all(iter(()), 0)
    assert (tally.events, tally.scored, list(tmp_path.iterdir())) == (0, 0, [])


def test_an_empty_batch_and_one_of_nothing_but_rejections() -> None:
    task = Task()
    empty = task.take(raw_batch([]))
    assert (empty.events, empty.scored, empty.rejected, task.rejected.rows) == (0, 0, 0, [])
    bad = task.take(raw_batch([None, b""]))
    assert (bad.events, bad.scored, bad.rejected_by_reason, task.store.history) == (2, 0, {"null_value": 1, "empty_value": 1}, [])


def test_latencies_are_from_the_producers_time_to_the_row_readable() -> None:
    tally = Task().take(raw_batch([event(1)], received_at=datetime.now(UTC) - timedelta(seconds=10)))
    ((place, n),) = tally.latency_ms.items()
    assert n == 1
    assert 10_000 / 1.05 <= 1.05 ** int(place) <= 130_000


def test_times_in_another_unit_are_taken_as_ours() -> None:
    """Spark hands timestamps over with a session's zone: the same instants, another Arrow type."""
    batch = raw_batch([event(1)], received_at=NOW)
    place = batch.schema.get_field_index("received_at")
    foreign = batch.set_column(place, "received_at", batch.column(place).cast(pa.timestamp("us", tz="Etc/UTC")))
    assert foreign.schema != RAW
    task = Task()
    task.take(foreign)
    assert task.store.history[0]["received_at"] == NOW


class Away:
    """A sink that cannot be reached the first times, then works."""

    def __init__(self, sink: Any, times: int) -> None:
        self._sink, self._times = sink, times
        self.batches: list[int] = []

    def write(self, rows: pa.RecordBatch, **how: Any) -> np.ndarray | None:
        if len(self.batches) < self._times:
            self.batches.append(rows.num_rows)
            raise Unavailable("away")
        verdicts: np.ndarray | None = self._sink.write(rows, **how)
        return verdicts


@pytest.mark.parametrize("part", ["store", "rejected"])
def test_a_sink_that_is_away_is_waited_for_and_the_wait_is_told(part: str) -> None:
    sinks: dict[str, Any] = {"store": MemorySink(), "rejected": MemoryRejects()}
    task = Task(**(sinks | {part: Away(sinks[part], 2)}))
    began = time.monotonic()
    tally = task.take(raw_batch([event(1), None]))
    assert 0.5 <= tally.waited_s <= time.monotonic() - began
    assert len(sinks["store"].history) == len(sinks["rejected"].rows) == 1
    assert (tally.scored, tally.rejected) == (1, 1)


def test_a_sink_that_refuses_ends_the_task() -> None:
    class Refusing:
        def write(self, predictions: pa.RecordBatch) -> Iterable[int]:
            raise RuntimeError("no such table")

    with pytest.raises(RuntimeError, match="no such table"):
        Task(store=Refusing()).take(raw_batch([event(1)]))


class Full(MemorySink):
    """A sink that is busy the first times, then works."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def write(self, predictions: pa.RecordBatch) -> Any:
        self._left -= 1
        return Busy("full", 0.001) if self._left >= 0 else super().write(predictions)


def test_other_sinks_get_what_stands_and_hold_the_batch_while_they_are_away_or_busy() -> None:
    away, full = MemorySink(), Full(3)
    task = Task(others={"away": Away(away, 1), "full": full})
    tallies = [task.take(mixed()), task.take(mixed())]
    assert tallies[0].waited_s >= 0.5
    assert tallies[1].waited_s < 0.5
    standing = {row["prediction_id"] for row in task.store.history}
    assert len(standing) == 24
    for sink in (away, full):
        assert {row["prediction_id"] for row in sink.history} == standing
    assert {"store", "away", "full"} <= set(tallies[0].parts_ms)


def test_a_replayed_batch_hands_its_rows_to_other_sinks_again() -> None:
    class Recording(MemorySink):
        def __init__(self) -> None:
            super().__init__()
            self.batches: list[int] = []

        def write(self, predictions: pa.RecordBatch) -> Any:
            self.batches.append(predictions.num_rows)
            return super().write(predictions)

    recording = Recording()
    task = Task(others={"recording": recording})
    for _ in range(2):
        task.take(mixed())
    assert recording.batches == [24, 24], "one that died between two sinks must find them complete after the replay"


def replay_headers(offset: int, attempt: int) -> list[tuple[str, bytes]]:
    named = {"topic": "events", "partition": 0, "offset": offset, "timestamp": 1_767_355_200_000, "id": "run"}
    return [*((f"scoring.replay.{name}", str(value).encode()) for name, value in named.items()), ("scoring.attempt", b"%d" % attempt)]


def test_a_replayed_event_is_scored_once_and_rejected_again_with_its_attempt(tmp_path: Path) -> None:
    task = Task(tmp_path)
    bad, mended = event(1, tenure=-1), event(1)

    def replay(batch: int, value: dict[str, Any], attempt: int) -> Tally:
        rows = raw_batch([value], topic="events.replay", headers=[*replay_headers(7, attempt), ("producer", b"crm")])
        return task.run(replay_topic="events.replay", plan_id=f"q/{batch}").take(rows)[0]

    tallies = [replay(1, bad, 2), replay(2, mended, 3), replay(3, mended, 4), replay(4, event(1, tenure=70), 5)]
    assert [tally.replayed for tally in tallies] == [{"rejected": 1}, {"scored": 1}, {"repeated": 1}, {"rejected": 1}]
    assert [(row["source_offset"], row["reason"], row["attempt"]) for row in task.rejected.rows] == [
        (7, "minimum", 2),
        (7, "event_conflict", 5),
    ]
    assert [(row["source_topic"], row["source_offset"]) for row in task.store.history] == [("events", 7)]
    assert tallies[1].latency_ms == {}, "what a mend took is no latency of ours"
    assert tallies[0].rejected_by_producer == {"crm": 1}
    assert tallies[0].rejected_by_schema_version == {"1": 1}


def test_a_replay_done_again_in_its_batch_stands(tmp_path: Path) -> None:
    task = Task(tmp_path)
    rows = raw_batch([event(1)], topic="events.replay", headers=replay_headers(7, 2))
    for _ in range(2):
        tally, standing = task.run(replay_topic="events.replay").take(rows)
        assert (tally.scored, standing.num_rows) == (1, 1)


def test_another_mapping_on_its_way_behind_the_first_gives_an_address_no_second_prediction(tmp_path: Path) -> None:
    task = Task(tmp_path)
    outcomes = []
    for batch, number in ((1, 1), (2, 9)):
        rows = raw_batch([event(number)], topic="events.replay", headers=replay_headers(7, 2))
        tally, _ = task.run(replay_topic="events.replay", plan_id=f"q/{batch}").take(rows)
        outcomes.append((tally.scored, tally.replayed))
    assert outcomes == [(1, {"scored": 1}), (0, {"rejected": 1})]
    assert [row["reason"] for row in task.rejected.rows] == ["event_conflict"]
    assert len(task.store.history) == 1
