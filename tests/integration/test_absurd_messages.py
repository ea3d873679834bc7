"""Messages that Kafka takes and nobody expects (before 1970; 30 MB sent compressed) are rejected whole; their neighbours are scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer
from events import good
from service import Starter, prepare, read_topic, reasons, scored, wait_until

from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

# Not before 1582: there Spark's Kafka source takes milliseconds by the Julian calendar, and they come days off.
TIMES_MS = (-1, -12_000_000_000_000)
ZEROS = b"\0" * 30_000_000


def send(settings: Settings, messages: list[dict[str, Any]]) -> None:
    """Send as a producer may that compresses: the topic's limit is on the compressed batch."""
    client = {"bootstrap.servers": settings.kafka.bootstrap_servers, "compression.type": "lz4", "message.max.bytes": 100_000_000}
    producer = Producer(client)
    for message in messages:
        producer.produce(settings.topics.event, partition=0, **message)
    assert producer.flush(60) == 0


def test_a_time_that_spark_could_not_read_does_not_come_into_the_topic(settings_file: Path, registry_table: str) -> None:
    settings = prepare(settings_file, registry_table)
    refused: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    producer.produce(settings.topics.event, b"{}", timestamp=-(2**62), on_delivery=lambda error, _: refused.append(error))
    assert producer.flush(30) == 0
    assert [error.code() for error in refused if error is not None] == [KafkaError.INVALID_TIMESTAMP]


def test_a_time_before_kafkas_clocks_and_an_event_above_every_limit_are_rejected(
    settings_file: Path, registry_table: str, start: Starter
) -> None:
    settings = prepare(settings_file, registry_table)
    absurd = [message | {"timestamp": ms} for message, ms in zip(good(len(TIMES_MS)), TIMES_MS, strict=True)]
    send(settings, [*good(5), *absurd, {"value": ZEROS}, *good(5)])
    job = start().wait_ready()
    wait_until("all are judged", lambda: len(scored(settings)) == 10 and len(reasons(settings)) == len(TIMES_MS) + 1)
    records = read_topic(settings, settings.topics.of("rejected"))
    told = [dict(record.headers()) for record in records]
    assert {(headers["scoring.reason"], headers.get("scoring.timestamp")) for headers in told} == {
        (b"number_range", b"-1"),
        (b"number_range", b"-12000000000000"),
        (b"too_large", None),
    }
    assert ZEROS in [record.value() for record in records]
    assert job.terminate() == 0
