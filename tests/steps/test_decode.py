from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from streaming.models.plan import Plan, PlannedModel
from streaming.records import INSTANT, RAW, REJECTED
from streaming.steps.decode import DECODED, Decode

PLAN = Plan(
    plan_id="p", query_id="q", batch_id=0, stream="s", deployment="d", schema_version=7,
    champion=PlannedModel("champion", "champion", "m", "1", "0" * 64),
    now=datetime(2026, 1, 2, tzinfo=UTC), allowed_skew_s=60, max_event_bytes=10, tasks=1, offsets={}, release="0",
)  # fmt: skip


def _raw(*values: bytes | None, headers: list[list[tuple[str, bytes | None]] | None] | None = None) -> pa.RecordBatch:
    rows: list[dict[str, Any]] = [
        {
            "key": b"k",
            "value": value,
            "headers": [{"key": key, "value": item} for key, item in (headers[i] or [])] if headers and headers[i] is not None else None,
            "source_topic": "t",
            "source_partition": 3,
            "source_offset": 100 + i,
            "received_at": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for i, value in enumerate(values)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RAW)


def test_values_that_cannot_be_events_are_rejected_and_neighbours_go_on() -> None:
    batch = _raw(b"one", None, b"", b"x" * 11, b"y" * 10)
    outcome = Decode()(batch, PLAN)
    assert outcome.rows.schema == DECODED
    assert outcome.rows.column("value").to_pylist() == [b"one", b"y" * 10]
    assert outcome.rows.column("payload_digest").to_pylist() == [sha256(b"one").hexdigest(), sha256(b"y" * 10).hexdigest()]
    assert outcome.rows.column("schema_version").to_pylist() == [7, 7]
    assert outcome.rejected.schema == REJECTED
    assert outcome.rejected.column("reason").to_pylist() == ["null_value", "empty_value", "too_large"]
    assert outcome.rejected.column("source_offset").to_pylist() == [101, 102, 103]
    assert outcome.rejected.column("value").to_pylist() == [None, b"", b"x" * 11]
    assert outcome.rejected.column("message")[2].as_py() == "too_large over 10 bytes, found 11 bytes"
    assert set(outcome.rejected.column("stage").to_pylist()) == {"decode"}


def test_header_names_the_schema_version() -> None:
    headers: list[list[tuple[str, bytes | None]] | None] = [
        None,
        [],
        [("schema-version", b"2")],
        [("other", b"9"), ("schema-version", b"1"), ("schema-version", b"3")],
        [("schema-version", b"two")],
        [("schema-version", None)],
        [("schema-version", b"\xff\x00")],
        [("schema-version", b"9" * 5000)],
        [("schema-version", b"x"), ("schema-version", b"4")],
    ]
    batch = _raw(*[b"v"] * len(headers), headers=headers)
    outcome = Decode()(batch, PLAN)
    assert outcome.rows.column("source_offset").to_pylist() == [100, 101, 102, 103, 108]
    assert outcome.rows.column("schema_version").to_pylist() == [7, 7, 2, 3, 4]
    assert outcome.rejected.column("reason").to_pylist() == ["unknown_schema_version"] * 4
    assert outcome.rejected.column("headers")[2].as_py() == [{"key": "schema-version", "value": b"\xff\x00"}]


def test_a_slice_of_a_batch_keeps_headers_with_their_rows() -> None:
    headers: list[list[tuple[str, bytes | None]] | None] = [[("schema-version", b"1")], None, [("schema-version", b"3")], [("a", b"")]]
    batch = _raw(b"a", b"b", b"c", b"d", headers=headers).slice(1, 3)
    assert Decode()(batch, PLAN).rows.column("schema_version").to_pylist() == [7, 3, 7]


def test_empty_batch() -> None:
    outcome = Decode()(_raw(), PLAN)
    assert (outcome.rows.num_rows, outcome.rejected.num_rows) == (0, 0)
    assert outcome.rows.schema == DECODED


def test_limit_is_the_plans() -> None:
    outcome = Decode()(_raw(b"x" * 11), msgspec.structs.replace(PLAN, max_event_bytes=11))
    assert outcome.rows.num_rows == 1


def test_a_message_time_that_no_table_holds_is_rejected_and_neighbours_go_on() -> None:
    last_us = 253_402_300_799_999_999
    times_us = [0, last_us, last_us + 1, -1_000, -62_135_596_800_000_001, 2**63 - 1, -(2**63), 1]
    batch = _raw(*[b"v"] * len(times_us)).set_column(RAW.get_field_index("received_at"), "received_at", pa.array(times_us, INSTANT))
    outcome = Decode()(batch, PLAN)
    assert outcome.rows.column("received_at").cast(pa.int64()).to_pylist() == [0, last_us, 1]
    assert outcome.rejected.column("received_at").cast(pa.int64()).to_pylist() == times_us[2:7]
    assert set(outcome.rejected.column("reason").to_pylist()) == {"number_range"}
    assert outcome.rejected.column("message")[1].as_py() == "number_range message time of the years 1970 to 9999, found -1 ms"


def test_a_bad_time_beside_a_bad_value_is_counted_with_it() -> None:
    batch = _raw(b"").set_column(RAW.get_field_index("received_at"), "received_at", pa.array([-1_000], INSTANT))
    assert Decode()(batch, PLAN).rejected.column("message").to_pylist() == ["empty_value (1 more)"]
