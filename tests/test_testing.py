"""The public test doubles."""

from __future__ import annotations

from datetime import UTC, datetime

from prediction_rows import row, rows
from tests_support import a_plan

from streaming.records import RAW
from streaming.steps.decode import Decode
from streaming.testing import MemoryRejects, MemorySink, raw_batch


def test_events_become_the_bytes_of_a_topic() -> None:
    batch = raw_batch(
        [{"a": 1, "ü": None}, "text", b"\xff", None], topic="t", partition=2, first_offset=10, key=b"k", headers=[("h", b"1")]
    )
    assert batch.schema == RAW
    assert batch.column("value").to_pylist() == [b'{"a": 1, "\\u00fc": null}', b"text", b"\xff", None]
    assert batch.column("source_offset").to_pylist() == [10, 11, 12, 13]
    assert batch.select(["key", "source_topic", "source_partition", "headers"]).to_pylist()[3] == {
        "key": b"k",
        "source_topic": "t",
        "source_partition": 2,
        "headers": [{"key": "h", "value": b"1"}],
    }


def test_headers_and_time_reach_the_steps() -> None:
    at = datetime(2026, 5, 6, tzinfo=UTC)
    batch = raw_batch([b"{}"], headers=[("schema-version", b"4")], received_at=at)
    (decoded,) = Decode()(batch, a_plan()).rows.to_pylist()
    assert (decoded["schema_version"], decoded["received_at"]) == (4, at)


def test_no_events_are_an_empty_batch() -> None:
    assert (raw_batch([]).num_rows, raw_batch([]).schema) == (0, RAW)


def test_the_store_gives_copies_away() -> None:
    sink = MemorySink()
    sink.write(rows(row("a")))
    sink.history.clear()
    sink.current.clear()
    assert (len(sink.history), list(sink.current)) == (1, [("risk", "c1")])


def test_rejects_are_kept_with_model_and_attempt() -> None:
    sink = MemoryRejects()
    rejected = Decode()(raw_batch([None, b""]), a_plan()).rejected
    sink.write(rejected, model="m/1")
    assert [(row["reason"], row["model"], row["attempt"]) for row in sink.rows] == [("null_value", "m/1", 1), ("empty_value", "m/1", 1)]
