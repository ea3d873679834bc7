"""Rejections counted by reason, producer and schema version; producers choose names, and get no room for them."""

from __future__ import annotations

import pyarrow as pa

from streaming.metrics.rejections import by_producer, by_reason, by_schema_version
from streaming.metrics.tally import bounded
from streaming.records import REJECTED


def rejected(*rows: dict[str, object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"reason": "json", "schema_version": 1} | row for row in rows], schema=REJECTED)


def producer(*names: bytes | None) -> dict[str, object]:
    return {"headers": [{"key": "trace", "value": b"1"}, *({"key": "producer", "value": name} for name in names)]}


def test_each_row_counts_once_and_its_last_producer_is_named() -> None:
    batch = rejected(producer(b"crm"), producer(b"web", b"crm"), producer(), {}, producer(None), producer(b"x" * 100))
    assert by_producer(batch) == {"crm": 2, "unknown": 3, "x" * 60: 1}
    assert by_producer(batch.slice(1, 2)) == {"crm": 1, "unknown": 1}
    assert by_reason(batch) == {"json": 6}


def test_a_row_without_a_version_is_counted() -> None:
    assert by_schema_version(rejected({}, {"schema_version": 2}, {"schema_version": None})) == {"1": 1, "2": 1, "unknown": 1}


def test_the_rest_is_summed_and_nothing_is_lost() -> None:
    table = {f"p{n}": n for n in range(1, 50)} | {"other": 7}
    found = bounded(table, 20)
    assert len(found) == 21
    assert sum(found.values()) == sum(table.values())
    assert found["p49"] == 49
    assert bounded(found, 20) == found
    assert bounded({"a": 1, "other": 5}, 20) == {"a": 1, "other": 5}
