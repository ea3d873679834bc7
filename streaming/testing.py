"""Public test doubles: sinks in memory, and raw batches made from events, so that a test needs no broker and no database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from streaming.records import RAW
from streaming.sinks.memory import MemoryRejects, MemorySink

__all__ = ["MemoryRejects", "MemorySink", "raw_batch"]

Event = Mapping[str, Any] | str | bytes | None
_RECEIVED_AT = datetime(2026, 1, 2, 12, tzinfo=UTC)


def raw_batch(
    events: Iterable[Event],
    *,
    topic: str = "events",
    partition: int = 0,
    first_offset: int = 0,
    key: bytes | None = None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    received_at: datetime = _RECEIVED_AT,
) -> pa.RecordBatch:
    """Events as Kafka would hand them over: a record batch of the type RAW, one row for each event, at ascending offsets.

    events: a mapping becomes JSON, a text UTF-8, bytes stay as they are, None is a null value; key, headers and received_at
    are the same for all rows. Raises TypeError if a mapping holds what JSON cannot.

    >>> raw_batch([{"tenure": 3}, b"no json", None], first_offset=7).select(["value", "source_offset"]).to_pylist()[0]
    {'value': b'{"tenure": 3}', 'source_offset': 7}
    """
    shared = {
        "key": key,
        "headers": [{"key": name, "value": value} for name, value in headers],
        "source_topic": topic,
        "source_partition": partition,
        "received_at": received_at,
    }
    rows = [shared | {"value": _value(event), "source_offset": first_offset + n} for n, event in enumerate(events)]
    return pa.RecordBatch.from_pylist(rows, schema=RAW)


def _value(event: Event) -> bytes | None:
    if event is None or isinstance(event, bytes):
        return event
    return (event if isinstance(event, str) else json.dumps(event)).encode()
