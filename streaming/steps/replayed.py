"""Replayed events: read from the replay topic, known by where and when they first came.

The replay command sends a rejected event with these headers; `first_addresses` gives it back its first address and time, so
that everything after it sees the event that was rejected. A record of the replay topic whose headers cannot be read is an
ordinary event of that topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.records import RAW

TOPIC, PARTITION, OFFSET, TIMESTAMP, RUN, MAPPING = (
    f"scoring.replay.{name}" for name in ("topic", "partition", "offset", "timestamp", "id", "mapping")
)
ATTEMPT = "scoring.attempt"
REPLAY_HEADERS = frozenset({TOPIC, PARTITION, OFFSET, TIMESTAMP, RUN, MAPPING})
_PLACE = ("source_topic", "source_partition", "source_offset")
_MOST_MS = 2**63 // 1000 - 1  # milliseconds whose microseconds 64 bits hold
_TOPIC_LENGTH = 249


def first_addresses(batch: pa.RecordBatch, replay_topic: str) -> pa.RecordBatch:
    """Rows of the type RAW, those of the replay topic with the address and time (received_at) that their headers name.

    An empty replay_topic is that of a plan without one: the batch stays as it is. Raises nothing for what headers hold.
    """
    if not replay_topic:
        return batch
    rows = np.flatnonzero(pc.equal(batch.column("source_topic"), replay_topic).fill_null(False).to_numpy(zero_copy_only=False))
    if not len(rows):
        return batch
    headers = batch.column("headers")
    found = {row: first for row in rows.tolist() if (first := _first(_named(headers[row].as_py()))) is not None}
    columns = dict(zip(RAW.names, batch.columns, strict=True))
    for place, name in enumerate((*_PLACE, "received_at")):
        kind = pa.int64() if name == "received_at" else RAW.field(name).type
        values = batch.column(name).cast(kind).to_pylist()
        for row, first in found.items():
            values[row] = first[place]
        columns[name] = pa.array(values, kind).cast(RAW.field(name).type)
    return pa.RecordBatch.from_arrays([columns[name] for name in RAW.names], schema=RAW)


def attempts(rows: pa.RecordBatch) -> NDArray[np.int32]:
    """The attempt of each row, shape (rows,), int32: above 1 for a replayed one, 1 for any other.

    rows: with the address and the headers of RAW, after `first_addresses`. A row counts as replayed if its headers name its
    own address: no producer can know where its event will lie.
    """
    numbers = np.ones(rows.num_rows, dtype=np.int32)
    headers = rows.column("headers")
    pairs = headers.flatten()
    if not len(pairs) or not pc.any(pc.equal(pairs.field("key"), OFFSET)).as_py():
        return numbers
    for row in np.unique(pc.list_parent_indices(headers).filter(pc.equal(pairs.field("key"), OFFSET).fill_null(False)).to_numpy()).tolist():
        named = _named(headers[row].as_py())
        if (_first(named) or ())[:3] == tuple(rows.column(name)[row].as_py() for name in _PLACE):
            numbers[row] = _number(named.get(ATTEMPT), 2**31 - 1)
    return numbers


def _named(headers: list[Mapping[str, Any]] | None) -> dict[str, bytes]:
    return {header["key"]: header["value"] for header in headers or [] if header["value"] is not None}


def _first(named: Mapping[str, bytes]) -> tuple[str, int, int, int] | None:
    """Topic, partition, offset and time in µs that headers name; None if one of them, or the attempt, cannot be read."""
    topic = named.get(TOPIC, b"")
    partition, offset = _number(named.get(PARTITION), 2**31 - 1), _number(named.get(OFFSET), 2**63 - 1)
    sent_ms, attempt = _number(named.get(TIMESTAMP), _MOST_MS, lowest=-_MOST_MS), _number(named.get(ATTEMPT), 2**31 - 1, lowest=2)
    if partition is None or offset is None or sent_ms is None or attempt is None or not 0 < len(topic) <= _TOPIC_LENGTH:
        return None
    return (topic.decode(), partition, offset, sent_ms * 1000) if topic.isascii() else None


def _number(text: bytes | None, most: int, *, lowest: int = 0) -> int | None:
    digits = (text or b"").removeprefix(b"-")
    if text is None or not digits.isdigit() or len(digits) > 19:
        return None
    number = int(text)
    return number if lowest <= number <= most else None
