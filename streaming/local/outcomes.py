"""What became of events, read from where consumers would read it: the store's history and the rejected topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.errors import Unavailable
from streaming.local.ledger import Address, digest
from streaming.local.outcomes_hbase import latencies_ms, served_hbase
from streaming.local.reconcile import Rejected, Served
from streaming.settings import Settings
from streaming.sinks.connection import connect

_SERVED = """
    SELECT prediction_id::text, event_id, event_time::text, source_topic, source_partition, source_offset, encode(payload_digest, 'hex')
    FROM prediction WHERE role <> 'shadow' AND source_topic = %s
"""
# The moment of the commit is PostgreSQL's own, not ours: what a reader of the table waits for.
_LATENCY = """
    SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
        ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at) * 1000)
    FROM prediction WHERE source_topic = %s
"""
_NO_LEADER_YET = (KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION)
_LAST = "SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(received_at)) FROM prediction WHERE source_topic = %s"


@dataclass(frozen=True)
class Speed:
    """latency_ms: p50, p95, p99 from the producer's timestamp to the row's; seconds: first event sent to last row."""

    latency_ms: dict[str, float]
    seconds: float


def served(settings: Settings) -> list[Served]:
    """Served rows of the settings' topic, from the store that is the judge. Raises Unavailable."""
    if settings.store.kind == "hbase":
        return served_hbase(settings)
    with connect(settings.store.dsn.get_secret_value()) as connection:
        rows = connection.execute(_SERVED, (settings.topics.event,)).fetchall()
    return [Served(row[0], (row[1], row[2]), (row[3], row[4], row[5]), row[6]) for row in rows]


def speed(settings: Settings) -> Speed:
    """Latency and duration, by the store's clock: PostgreSQL's commit timestamps, or those of HBase's cells. Raises Unavailable.

    PostgreSQL needs track_commit_timestamp = on.
    """
    if settings.store.kind == "hbase":
        return _speed(*latencies_ms(settings))
    with connect(settings.store.dsn.get_secret_value()) as connection:
        (quantiles,) = connection.execute(_LATENCY, (settings.topics.event,)).fetchone() or (None,)
        (seconds,) = connection.execute(_LAST, (settings.topics.event,)).fetchone() or (None,)
    return Speed(_named(quantiles or ()), float(seconds or 0))


def _speed(sent_ms: np.ndarray, late_ms: np.ndarray) -> Speed:
    if not late_ms.size:
        return Speed({}, 0.0)
    return Speed(_named(np.percentile(late_ms, (50, 95, 99))), float((sent_ms + late_ms).max() - sent_ms.min()) / 1000)


def _named(quantiles_ms: Iterable[float]) -> dict[str, float]:
    return {name: round(float(ms), 1) for name, ms in zip(("p50", "p95", "p99"), quantiles_ms, strict=False)}


def rejected(settings: Settings) -> list[Rejected]:
    """Every message of the rejected topic, by the address in its headers. Raises Unavailable."""
    return [_rejected(message) for message in read_topic(settings, settings.topics.of("rejected"))]


def _rejected(message: Message) -> Rejected:
    headers = {name: (value or b"").decode() for name, value in _headers(message)}
    place = "__connect.errors."
    address: Address = headers[place + "topic"], int(headers[place + "partition"]), int(headers[place + "offset"])
    return Rejected(address, headers["scoring.reason"], digest(message.value()))


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    headers: list[tuple[str, bytes | None]] = list(message.headers() or [])  # type: ignore[arg-type]  # stubs: what produce() takes, not what comes
    return headers


def read_topic(settings: Settings, topic: str) -> Iterator[Message]:
    """The messages of a topic, from its beginning to where it ends now, without a consumer group's offsets.

    Raises Unavailable if the brokers stop answering.
    """
    client = {"bootstrap.servers": settings.kafka.bootstrap_servers, **settings.kafka.client}
    consumer = Consumer({**client, "group.id": "scoring.reconcile", "enable.auto.commit": False})
    try:
        yield from _read(consumer, topic, settings.kafka.wait_s)
    except KafkaException as error:
        raise Unavailable(f"topic {topic} cannot be read: {error.args[0].str()}; see that the brokers are up") from None
    finally:
        consumer.close()


def _end(consumer: Consumer, partition: TopicPartition, wait_s: float) -> int:
    """The offset after the partition's last message; waits for a leader, which a topic just made may not have yet."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=wait_s)[1])
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _read(consumer: Consumer, topic: str, wait_s: float) -> Iterator[Message]:
    numbers = consumer.list_topics(topic, timeout=wait_s).topics[topic].partitions
    ends = {n: _end(consumer, TopicPartition(topic, n), wait_s) for n in numbers}
    left = {n for n, end in ends.items() if end}
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in left])
    until = time.monotonic() + wait_s
    while left:
        # consume() waits until it has all it was asked for, or for its time: short, so that the end is told at once.
        for message in consumer.consume(1000, 0.1):
            if message.error():
                raise KafkaException(message.error())
            until = time.monotonic() + wait_s
            number, offset = message.partition() or 0, message.offset() or 0
            if offset < ends[number]:
                yield message
            if offset + 1 >= ends[number]:
                left.discard(number)
        if time.monotonic() > until:
            raise Unavailable(f"topic {topic} cannot be read to its end: nothing came for {wait_s:g} s; see that the brokers are up")
