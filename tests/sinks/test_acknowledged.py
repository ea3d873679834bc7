"""Send many, wait, raise what failed: on a real broker, with topics that refuse."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, KafkaError
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # the package re-exports it, its types do not
from service import read_topic

from streaming.config import load_settings
from streaming.errors import TopicError, Unavailable
from streaming.settings import Settings
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing, fatal_error

MakeTopic = Callable[..., str]
NOISE = random.Random(1).randbytes(200_000)


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    return load_settings(settings_file)


@pytest.fixture
def make_topic(settings: Settings) -> MakeTopic:
    def make(**config: str) -> str:
        name = f"acknowledged_{uuid4().hex[:12]}"
        named = {key.replace("_", "."): value for key, value in config.items()}
        admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
        admin.create_topics([NewTopic(name, 1, 1, config=named)], operation_timeout=30)[name].result()
        return name

    return make


def acknowledged(settings: Settings, *, delivery_s: float = 30, batch_bytes: int = 1_000_000, **client: str) -> AcknowledgedTopic:
    named = {key.replace("_", "."): value for key, value in client.items()}
    return AcknowledgedTopic(
        settings.kafka.bootstrap_servers, client=named, compression="zstd", delivery_s=delivery_s, batch_bytes=batch_bytes
    )


def values(settings: Settings, name: str) -> list[bytes | None]:
    return [message.value() for message in read_topic(settings, name)]


@pytest.mark.integration
def test_what_compresses_into_the_topics_limit_is_taken(settings: Settings, make_topic: MakeTopic) -> None:
    name = make_topic(max_message_bytes="10000")
    acknowledged(settings).send(name, [Outgoing(b"\0" * 3_000_000, None)])
    assert values(settings, name) == [b"\0" * 3_000_000]


@pytest.mark.integration
def test_what_the_topic_never_takes_is_told_and_its_neighbours_are_kept(settings: Settings, make_topic: MakeTopic) -> None:
    name = make_topic(max_message_bytes="10000")
    topic = acknowledged(settings, batch_bytes=9000)
    with pytest.raises(TopicError, match=rf"topic {name} does not take a message of 200000 bytes .*; raise its max\.message\.bytes"):
        topic.send(name, [Outgoing(b"before", None), Outgoing(NOISE, None), Outgoing(b"after", None)])
    topic.send(name, [Outgoing(b"next", None)])
    assert values(settings, name) == [b"before", b"after", b"next"]


@pytest.mark.integration
def test_many_small_messages_are_never_put_into_a_batch_above_the_topics_limit(settings: Settings, make_topic: MakeTopic) -> None:
    name = make_topic(max_message_bytes="10000")
    many = [NOISE[n : n + 500] for n in range(0, 100_000, 500)]
    acknowledged(settings, batch_bytes=10_000).send(name, [Outgoing(value, None) for value in many])
    assert values(settings, name) == many


@pytest.mark.integration
def test_a_message_above_the_clients_limit_is_told(settings: Settings, make_topic: MakeTopic) -> None:
    with pytest.raises(TopicError, match="does not take a message of 1000000001 bytes"):
        acknowledged(settings).send(make_topic(), [Outgoing(bytes(1_000_000_001), None)])


@pytest.mark.integration
def test_a_time_that_the_brokers_refuse_goes_into_a_header_and_its_neighbours_are_kept(settings: Settings, make_topic: MakeTopic) -> None:
    name = make_topic(message_timestamp_before_max_ms="3600000")
    now_ms = int(time.time() * 1000)
    sent = [Outgoing(b"new", None, [("own", b"1")], now_ms), Outgoing(b"old", None, [("own", b"2")], 1_000_000)]
    acknowledged(settings).send(name, sent)
    found = {message.value(): message for message in read_topic(settings, name)}
    assert found[b"old"].timestamp()[1] >= now_ms
    assert found[b"old"].headers() == [("own", b"2"), ("scoring.timestamp", b"1000000")]
    assert found[b"new"].headers()[0] == ("own", b"1")
    told = [value for key, value in found[b"new"].headers() if key == "scoring.timestamp"]
    assert told == [str(now_ms).encode()] or found[b"new"].timestamp() == (TIMESTAMP_CREATE_TIME, now_ms)
    assert len(read_topic(settings, name)) == 2


@pytest.mark.integration
def test_a_compacted_topic_is_told(settings: Settings, make_topic: MakeTopic) -> None:
    with pytest.raises(TopicError, match=r"let its cleanup\.policy be delete"):
        acknowledged(settings).send(make_topic(cleanup_policy="compact"), [Outgoing(b"x", None)])


@pytest.mark.integration
def test_a_producer_that_an_error_ended_is_built_anew(settings: Settings, make_topic: MakeTopic) -> None:
    """To leave no gap, librdkafka ends the producer at the first message that it has to give up."""
    name = make_topic(max_message_bytes="10000")
    topic = acknowledged(settings, enable_gapless_guarantee="true")
    with pytest.raises(Unavailable, match="unable to satisfy gap-less guarantee; the producer is built anew"):
        topic.send(name, [Outgoing(NOISE, None)])
    topic.send(name, [Outgoing(b"next", None)])
    assert values(settings, name) == [b"next"]


def test_a_flood_of_messages_is_waited_for_part_by_part() -> None:
    taken = 0

    def flood() -> Iterator[Outgoing]:
        nonlocal taken
        for _ in range(20):
            taken += 1
            yield Outgoing(bytes(50_000_000), None)

    topic = AcknowledgedTopic("127.0.0.1:1", client={"log_level": "0"}, compression="zstd", delivery_s=0.3)
    with pytest.raises(Unavailable):
        topic.send("events", flood())
    assert taken < 20


def test_an_error_that_the_client_lost_is_still_a_fatal_one() -> None:
    lost = SystemError("<method 'flush' of 'cimpl.Producer' objects> returned NULL without setting an exception")
    assert fatal_error(lost).code() == KafkaError._FATAL
    with pytest.raises(SystemError, match="something else"):
        fatal_error(SystemError("something else"))
