"""What stores and topics hold after a run, read with plain clients: psycopg and confluent-kafka, nothing of the product."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Address = tuple[str, int, int]
"""topic, partition, offset"""
Order = tuple[str, int, int, int]
"""event time (RFC 3339, UTC, microseconds), broker time in ms, partition, offset"""


@dataclass(frozen=True)
class Acknowledged:
    """One line of the ledger: see ledger.py."""

    kind: str
    reason: str
    event_id: str
    entity: str
    event_time: str
    address: Address
    sent_ms: int
    sha256: str | None

    @property
    def order(self) -> Order:
        """Its place among the events of its entity."""
        return (self.event_time, self.sent_ms, *self.address[1:])


@dataclass(frozen=True)
class Predicted:
    """One row of the history."""

    address: Address
    prediction_id: str
    event_id: str
    entity: str
    event_time: str
    sent_ms: int
    sha256: str
    model_version: str
    plan_id: str
    score: float


@dataclass(frozen=True)
class Copy:
    """One prediction as another sink than the store has it."""

    prediction_id: str
    address: Address
    model_version: str
    score: float


@dataclass(frozen=True)
class Rejected:
    """One record of the rejected topic."""

    address: Address
    reason: str
    sha256: str | None


ReadStore = Callable[[], tuple[list[Predicted], dict[str, tuple[Address, str]]]]
"""Reads a store: its history, and its current rows by entity (address and event id)."""


@dataclass
class Evidence:
    """Everything that a run is judged by.

    on_topic: address → sha256 (hex, None for a null value) of every message that the event topic holds. current: entity →
    address and event id of its current row. metrics: records of the metrics topic, ids as they came. plans: file name →
    every text that it ever had. copies: by sink, the predictions that it holds, as often as it holds them.
    """

    ledger: list[Acknowledged]
    on_topic: dict[Address, str | None]
    predicted: list[Predicted]
    current: dict[str, tuple[Address, str]]
    rejected: list[Rejected]
    metrics: list[dict[str, Any]]
    plans: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[str, list[Copy]] = field(default_factory=dict)


def read_ledger(path: Path) -> list[Acknowledged]:
    """The lines of a ledger; what the producer could not send is left out."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Acknowledged(
            line["kind"], line["reason"], line["event_id"], line["entity"], line["event_time"],
            (line["topic"], line["partition"], line["offset"]), line["sent_ms"], line["sha256"],
        )
        for line in lines
        if "failed" not in line
    ]  # fmt: skip


def read_topic(bootstrap: str, topic: str) -> Iterator[Any]:
    """Every committed message of a topic, from its beginning to its end now. Raises TimeoutError if they do not come."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    settings = {"bootstrap.servers": bootstrap, "group.id": "faults", "enable.auto.commit": False, "isolation.level": "read_committed"}
    consumer = Consumer(settings | {"enable.partition.eof": True, "auto.offset.reset": "earliest", "log_level": 0})
    try:
        parts = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, part, 0) for part in parts])
        ended: set[int] = set()
        while len(ended) < len(parts):
            message = consumer.poll(30)
            if message is None:
                raise TimeoutError(f"{topic}: its messages did not come")
            error: Any = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(int(message.partition() or 0))
            else:
                raise TimeoutError(f"{topic}: {error.str()}")
    finally:
        consumer.close()


def digest(value: bytes | None) -> str | None:
    """sha256 of a value, hex; None of a null value."""
    return None if value is None else hashlib.sha256(value).hexdigest()


def read_events(bootstrap: str, topic: str) -> dict[Address, str | None]:
    """Address → digest of what the event topic holds."""
    return {(topic, one.partition(), one.offset()): digest(one.value()) for one in read_topic(bootstrap, topic)}


def read_rejected(bootstrap: str, topic: str) -> list[Rejected]:
    """The rejected topic's records, as often as they came."""
    found = []
    for one in read_topic(bootstrap, topic):
        told = {name: value.decode() for name, value in one.headers() if value is not None}
        address = (told["__connect.errors.topic"], int(told["__connect.errors.partition"]), int(told["__connect.errors.offset"]))
        found.append(Rejected(address, told["scoring.reason"], digest(one.value())))
    return found


def read_metrics(bootstrap: str, topic: str) -> list[dict[str, Any]]:
    """The records of batches on the metrics topic, as often as they came."""
    records = [json.loads(one.value()) for one in read_topic(bootstrap, topic)]
    return [record for record in records if record["record"] == "metrics"]


_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_HISTORY = f"""
    SELECT source_topic, source_partition, source_offset, prediction_id::text, event_id, entity_id, {_UTC.format("event_time")},
           (extract(epoch FROM received_at) * 1000)::bigint, encode(payload_digest, 'hex'), model_version, plan_id, score
    FROM prediction WHERE role <> 'shadow'"""
_CURRENT = "SELECT entity_id, source_topic, source_partition, source_offset, event_id FROM current_prediction"


def read_postgres(dsn: str) -> tuple[list[Predicted], dict[str, tuple[Address, str]]]:
    """History and current rows of a PostgreSQL store."""
    import psycopg

    with psycopg.connect(dsn) as connection:
        history = [Predicted((row[0], row[1], row[2]), *row[3:]) for row in connection.execute(_HISTORY)]
        current = {row[0]: ((row[1], row[2], row[3]), row[4]) for row in connection.execute(_CURRENT)}
    return history, current


def read_published(bootstrap: str, topic: str) -> list[Copy]:
    """The predictions on a topic."""
    return [_copy(json.loads(one.value())) for one in read_topic(bootstrap, topic)]


def read_files(folder: Path) -> list[Copy]:
    """The predictions in a folder's Parquet files; what is hidden or half written is passed over as any reader does."""
    import pyarrow.parquet as pq

    files = [path for path in folder.rglob("*.parquet") if not path.name.startswith(("_", "."))]
    return [_copy(row) for path in files for row in pq.read_table(path, partitioning=None).to_pylist()]


def _copy(row: dict[str, Any]) -> Copy:
    address = (row["source_topic"], row["source_partition"], row["source_offset"])
    return Copy(row["prediction_id"], address, row["model_version"], row["score"])


def gather(
    ledger: Path, *, bootstrap: str, topic: str, store: ReadStore, plans: dict[str, list[str]], files: Path | None = None
) -> Evidence:
    """Read everything that a run left. files: folder of the sink of files; None: no sink but the store."""
    predicted, current = store()
    return Evidence(
        ledger=read_ledger(ledger),
        on_topic=read_events(bootstrap, topic),
        predicted=predicted,
        current=current,
        rejected=read_rejected(bootstrap, f"{topic}.rejected"),
        metrics=read_metrics(bootstrap, f"{topic}.metrics"),
        plans=plans,
        copies={"topic": read_published(bootstrap, f"{topic}.predictions"), "files": read_files(files)} if files else {},
    )
