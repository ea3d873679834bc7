from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # the package re-exports it, its types do not

from streaming.contracts import load_contract
from streaming.errors import DeliveryError, InvalidEvent
from streaming.producer import EventProducer

CONTRACT = load_contract(Path("schemas/customer_activity/v1.json"))
GOOD: dict[str, Any] = json.loads(json.loads(Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()[0])["value"])
NOWHERE = "127.0.0.1:1"  # nothing listens on port 1
QUIET = {"log_level": "0"}


def _away(**settings: str) -> EventProducer:
    return EventProducer(NOWHERE, "t", CONTRACT, client={**QUIET, **settings})


def test_an_invalid_event_is_named_before_it_is_sent() -> None:
    producer = _away()
    with pytest.raises(InvalidEvent, match="customer_activity v1: /tenure: minimum 0, found -1; mend"):
        producer.send({**GOOD, "tenure": -1})
    with pytest.raises(InvalidEvent, match="json"):
        producer.send(b"{")
    with pytest.raises(InvalidEvent, match="number_range"):
        producer.send({**GOOD, "monthly_charges": float("nan")})
    with pytest.raises(InvalidEvent, match="cannot be written as JSON"):
        producer.send({**GOOD, "customer_id": object()})
    with pytest.raises(InvalidEvent, match="null_value"):
        producer.send(None)
    producer.flush(0.1)  # nothing was queued


def test_flush_tells_what_was_not_acknowledged() -> None:
    producer = _away()
    producer.send(GOOD)
    with pytest.raises(DeliveryError, match="topic t: 1 events not acknowledged"):
        producer.flush(0.2)


def test_an_event_that_timed_out_is_told_by_the_next_flush() -> None:
    producer = _away(**{"delivery.timeout.ms": "200", "linger.ms": "0"})
    producer.send(GOOD)
    with pytest.raises(DeliveryError, match="1 events not acknowledged"):
        producer.flush(10)
    producer.flush(1)


def test_a_message_larger_than_the_queue_is_refused_rather_than_waited_for() -> None:
    producer = EventProducer(NOWHERE, "t", client={**QUIET, "queue.buffering.max.kbytes": "1"})
    with pytest.raises(DeliveryError, match=r"raise queue\.buffering\.max\.kbytes"):
        producer.send(b"x" * 2000)
    producer.send(b"x")
    with pytest.raises(DeliveryError, match="1 events not acknowledged"):
        producer.flush(0.1)


def test_a_message_too_large_is_refused() -> None:
    producer = EventProducer(NOWHERE, "t", client={**QUIET, "message.max.bytes": "1000"})
    with pytest.raises(DeliveryError, match="too large"):
        producer.send(b"x" * 2000)


def test_a_full_queue_waits_for_room() -> None:
    producer = _away(**{"queue.buffering.max.messages": "1", "delivery.timeout.ms": "300", "linger.ms": "0"})
    producer.send(GOOD)
    producer.send(GOOD)  # returns only after the first gave up its place
    with pytest.raises(DeliveryError, match="2 events"):
        producer.flush(10)


def test_an_error_in_the_block_goes_on() -> None:
    with pytest.raises(KeyError), EventProducer(NOWHERE, "t", client=QUIET):
        raise KeyError("mine")


@pytest.mark.integration
def test_events_arrive_once_with_the_entity_as_key(services: Any) -> None:
    topic = f"test-producer-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": services.bootstrap})  # must outlive its futures
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
    acknowledged: list[tuple[bytes | None, bytes | None, str, int, int, int]] = []
    events = [{**GOOD, "event_id": uuid4(), "event_time": datetime.now(UTC), "customer_id": f"C-{i % 5}"} for i in range(50)]
    with EventProducer(services.bootstrap, topic, CONTRACT, on_delivery=lambda *told: acknowledged.append(told)) as producer:
        for event in events:
            producer.send(event)
        producer.send(json.dumps(GOOD).encode(), key=b"mine")
    consumer = Consumer({"bootstrap.servers": services.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found = consumer.consume(51, timeout=30)
    consumer.close()
    assert sorted((m.partition(), m.offset(), m.key(), m.value()) for m in found) == sorted(
        (p, o, k, v) for k, v, _, p, o, _ in acknowledged
    )
    assert len(found) == 51
    assert {m.key() for m in found} == {b"C-0", b"C-1", b"C-2", b"C-3", b"C-4", b"mine"}
    assert all(CONTRACT.check(m.value() or b"") == [] for m in found)
    assert all(m.headers() == [("schema-version", b"1")] for m in found)
    assert abs(acknowledged[0][5] / 1000 - datetime.now(UTC).timestamp()) < 600


@pytest.mark.integration
def test_a_producer_that_an_error_ended_says_so(services: Any) -> None:
    """To leave no gap, librdkafka ends the producer at the first message that it has to give up."""
    topic = f"test-producer-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": services.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "1000"})])[topic].result(30)
    producer = EventProducer(services.bootstrap, topic, client={**QUIET, "enable.gapless.guarantee": "true"})
    producer.send(random.Random(1).randbytes(5000))
    with pytest.raises(DeliveryError, match="; this producer sends nothing more, make another"):
        producer.flush(30)
    with pytest.raises(DeliveryError, match="the event was not sent"):
        producer.send(b"next")
