"""Spans of a real topic: the newest, the last seconds, all of it; nothing is missed when who reads takes his time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from service import send

from streaming.config import load_settings
from streaming.errors import TopicError, Unavailable
from streaming.kafka.topic_span import committed, newest, read, since, span_of
from streaming.kafka.topics import create_topics
from streaming.settings import Settings

pytestmark = pytest.mark.integration
Value = bytes | None


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    """A configuration whose topics are there."""
    loaded = load_settings(settings_file)
    create_topics(loaded)
    return loaded


def numbered(count: int) -> list[Value]:
    return [json.dumps({"n": n}).encode() for n in range(count)]


@pytest.mark.parametrize("count", [1, 7, 100, 5000])
def test_the_newest_are_the_newest_over_all_partitions(settings: Settings, count: int) -> None:
    send(settings, numbered(1000))
    expected = list(range(max(0, 1000 - count), 1000))
    assert [json.loads(value)["n"] for value in newest(settings.kafka, settings.topics.event, count)] == expected


def test_a_span_of_time_begins_where_it_says(settings: Settings) -> None:
    now_ms = int(time.time() * 1000)
    send(settings, [b'{"n": -1}'] * 50, from_ms=now_ms - 3_600_000)
    send(settings, numbered(40), from_ms=now_ms - 100)
    assert sorted(json.loads(value)["n"] for value in since(settings.kafka, settings.topics.event, 600)) == list(range(40))
    assert len(list(since(settings.kafka, settings.topics.event, 7200))) == 90


def test_an_empty_topic_is_an_empty_window(settings: Settings) -> None:
    assert newest(settings.kafka, settings.topics.event, 10) == []
    assert list(since(settings.kafka, settings.topics.event, 10)) == []


def test_no_topic_and_no_broker_are_told(settings: Settings) -> None:
    with pytest.raises(TopicError, match="there is no topic nowhere"):
        newest(settings.kafka, "nowhere", 1)
    away = settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1", "wait_s": 0.5})
    with pytest.raises(Unavailable, match="see that the brokers are up"):
        newest(away, settings.topics.event, 1)


def test_who_reads_may_take_longer_than_the_brokers_may(settings: Settings) -> None:
    send(settings, numbered(1200))
    hurried = settings.kafka.model_copy(update={"wait_s": 1})
    found = []
    for message in read(hurried, settings.topics.event, span_of(hurried, settings.topics.event)):
        if len(found) % 400 == 0:
            time.sleep(1.2)
        found.append(json.loads(message.value() or b"")["n"])
    assert sorted(found) == list(range(1200))


def test_a_span_whose_beginning_is_gone_is_told_and_not_passed_over(settings: Settings) -> None:
    send(settings, numbered(400))
    span = span_of(settings.kafka, settings.topics.event)
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(settings.topics.event, 2, 50)]).values():
        future.result()
    with pytest.raises(TopicError, match=f"topic {settings.topics.event} does not hold what was to be read any more"):
        list(read(settings.kafka, settings.topics.event, span))
    assert len(list(read(settings.kafka, settings.topics.event, span | {"2": (50, 100)}))) == 350


def test_a_group_says_what_it_has_done(settings: Settings) -> None:
    send(settings, numbered(40))
    span, group = span_of(settings.kafka, settings.topics.event), f"group.{settings.topics.event}"
    assert committed(settings.kafka, settings.topics.event, span, group) == {}
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(settings.topics.event, 1, 7)], asynchronous=False)
    consumer.close()
    assert committed(settings.kafka, settings.topics.event, span, group) == {"1": 7}
