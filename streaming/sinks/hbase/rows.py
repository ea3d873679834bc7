"""A batch of predictions as the rows of HBase's tables: keys, the record that is their one cell, and the order of law 3."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.records import PREDICTION
from streaming.sinks.hbase.keys import address_key, cell_time, claim_key, entity_key, history_key, id_bytes, place

VERSION = 2
_TIMES = ("event_time", "received_at", "scored_at")
_encoder = msgspec.json.Encoder()


class Order(NamedTuple):
    """The order of law 3; times in µs since 1970."""

    event_us: int
    received_us: int
    partition: int
    offset: int


class Entry(NamedTuple):
    """A prediction on its way into HBase. Keys of its rows by table, and the record as JSON. time: timestamp of its current cell."""

    claim: bytes
    place: bytes
    digest: bytes
    history: bytes
    entity: bytes
    address: bytes
    order: Order
    time: int
    shadow: bool
    plan_id: str
    record: bytes


def entries(predictions: pa.RecordBatch) -> list[Entry]:
    """Rows of the type PREDICTION, in their order; the record is that of the schema `prediction`, version 2."""
    rows = predictions.select(PREDICTION.names)
    us = {name: rows.column(name).cast(pa.int64()).to_numpy() for name in _TIMES}
    texts = {name: pc.strftime(rows.column(name), format="%Y-%m-%dT%H:%M:%SZ") for name in _TIMES}
    columns = [texts.get(name, rows.column(name)).to_pylist() for name in PREDICTION.names]
    times = cell_time(us["event_time"], us["received_at"]).tolist()
    records = (dict(zip(PREDICTION.names, values, strict=True)) for values in zip(*columns, strict=True))
    moments = zip(us["event_time"].tolist(), us["received_at"].tolist(), times, strict=True)
    return [_entry(record, event, received, time) for record, (event, received, time) in zip(records, moments, strict=True)]


def entry(record: bytes) -> Entry:
    """An entry from a record that was stored. Raises msgspec.DecodeError if it is not one."""
    row = msgspec.json.decode(record)
    event, received = (np.array([row[name].removesuffix("Z")], "datetime64[us]").astype(np.int64) for name in ("event_time", "received_at"))
    return _entry(row, int(event[0]), int(received[0]), int(cell_time(event, received)[0]))


def address_of(row: dict[str, Any]) -> tuple[str, str, int, int]:
    """Deployment and address of a row of the type PREDICTION."""
    return row["deployment"], row["source_topic"], row["source_partition"], row["source_offset"]


def _entry(row: dict[str, Any], event_us: int, received_us: int, time: int) -> Entry:
    deployment, topic, partition, offset = address_of(row)
    own_id, entity = id_bytes(row["prediction_id"]), entity_key(deployment, row["entity_id"])
    return Entry(
        claim=claim_key(own_id, event_us),
        place=place(topic, partition, offset),
        digest=bytes.fromhex(row["payload_digest"]),
        history=history_key(entity, event_us, own_id),
        entity=entity,
        address=address_key(deployment, topic, partition, offset),
        order=Order(event_us, received_us, partition, offset),
        time=time,
        shadow=row["role"] == "shadow",
        plan_id=row["plan_id"],
        record=_encoder.encode({"record": "prediction", "version": VERSION, **row}),
    )
