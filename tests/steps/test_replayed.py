"""Replayed rows get their first address and time back; nothing else on any topic does."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from tests_support import PLAN, a_plan

from streaming.records import RAW
from streaming.steps.decode import Decode
from streaming.steps.replayed import attempts, first_addresses
from streaming.testing import raw_batch

TOPIC = "events.replay"
FIRST = {"topic": b"events", "partition": b"3", "offset": b"41", "timestamp": b"1767355200123", "id": b"run"}
FIRST_TIME = datetime(2026, 1, 2, 12, 0, 0, 123_000, tzinfo=UTC)


def headers(attempt: bytes | None = b"2", **changes: bytes | None) -> list[tuple[str, bytes | None]]:
    named = {f"scoring.replay.{name}": value for name, value in (FIRST | changes).items()} | {"scoring.attempt": attempt}
    return [("producer", b"crm"), *((name, value) for name, value in named.items() if value is not None)]


def row(batch: pa.RecordBatch, number: int = 0) -> tuple[object, ...]:
    return tuple(batch.column(name)[number].as_py() for name in ("source_topic", "source_partition", "source_offset", "received_at"))


def test_a_replayed_row_is_where_and_when_it_first_came() -> None:
    found = first_addresses(raw_batch([b"v"], topic=TOPIC, headers=headers()), TOPIC)
    assert found.schema == RAW
    assert row(found) == ("events", 3, 41, FIRST_TIME)
    assert attempts(found).tolist() == [2]


def test_neighbours_of_other_topics_stay_where_they_are() -> None:
    ordinary = raw_batch([b"a", b"b"], topic="events", first_offset=7)
    batch = pa.Table.from_batches([ordinary, raw_batch([b"c"], topic=TOPIC, headers=headers())]).combine_chunks().to_batches()[0]
    found = first_addresses(batch, TOPIC)
    assert found.slice(0, 2).to_pylist() == ordinary.to_pylist()
    assert row(found, 2) == ("events", 3, 41, FIRST_TIME)
    assert attempts(found).tolist() == [1, 1, 2]
    assert attempts(found.slice(2)).tolist() == [2]


@pytest.mark.parametrize(
    "changed",
    [{"topic": None}, {"topic": b""}, {"topic": b"\xff"}, {"topic": b"x" * 250}, {"partition": b"-1"}, {"partition": b"2147483648"},
     {"offset": b"4x"}, {"offset": b"9" * 30}, {"timestamp": b"yesterday"}, {"timestamp": b"9223372036854775807"},
     {"attempt": None}, {"attempt": b"1"}],
    ids=str,
)  # fmt: skip
def test_headers_that_cannot_be_read_make_an_ordinary_event_of_the_replay_topic(changed: dict[str, bytes | None]) -> None:
    batch = raw_batch([b"v"], topic=TOPIC, headers=headers(**changed))
    assert first_addresses(batch, TOPIC).to_pylist() == batch.to_pylist()
    assert attempts(first_addresses(batch, TOPIC)).tolist() == [1]


def test_a_producer_that_sends_these_headers_on_the_source_topic_moves_nothing() -> None:
    batch = raw_batch([b"v"], topic="events", headers=headers())
    found = first_addresses(batch, TOPIC)
    assert found.to_pylist() == batch.to_pylist()
    assert attempts(found).tolist() == [1]


def test_a_time_before_1970_comes_back_as_it_was() -> None:
    found = first_addresses(raw_batch([b"v"], topic=TOPIC, headers=headers(timestamp=b"-1")), TOPIC)
    assert found.column("received_at").cast(pa.int64()).to_pylist() == [-1000]


def test_decode_rejects_and_passes_replayed_rows_at_their_first_address() -> None:
    batch = raw_batch([b"v", b""], topic=TOPIC, headers=headers())
    outcome = Decode()(batch, a_plan(replay_topic=TOPIC))
    assert row(outcome.rows) == row(outcome.rejected) == ("events", 3, 41, FIRST_TIME)
    assert attempts(outcome.rejected).tolist() == [2]


def test_a_plan_of_before_there_was_a_replay_topic_moves_nothing() -> None:
    batch = raw_batch([b"v"], topic="", headers=headers())
    assert PLAN.replay_topic == ""
    assert row(Decode()(batch, PLAN).rows)[0] == ""
