"""The rejected topic on a real broker: nothing of the event is lost, and why it was rejected is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # the package re-exports it, its types do not
from service import read_topic
from tests_support import a_plan

from streaming.config import load_settings
from streaming.errors import TopicError, Unavailable
from streaming.kafka.topics import create_topics
from streaming.records import RAW, REJECTED
from streaming.replay.mapping import Mapping
from streaming.replay.outgoing import outgoing
from streaming.replay.rejection import original_of, rejection_of
from streaming.settings import Settings
from streaming.sinks.rejected import RejectedTopic, split_headers
from streaming.steps.decode import Decode

RECEIVED = datetime(2026, 1, 2, 12, 0, 0, 123_000, tzinfo=UTC)
RECEIVED_MS = 1_767_355_200_123


def rejected(*changes: dict[str, Any]) -> pa.RecordBatch:
    usual = {
        "key": b"C1",
        "value": b'{"tenure": -1}',
        "headers": [],
        "source_topic": "activity",
        "source_partition": 3,
        "source_offset": 41,
        "received_at": RECEIVED,
        "stage": "validate",
        "reason": "minimum",
        "path": "/tenure",
        "message": "minimum 0, found -1",
        "value_found": "-1",
        "schema_version": 1,
    }
    return pa.RecordBatch.from_pylist([usual | change for change in changes or ({},)], schema=REJECTED)


class Topic:
    """A rejected topic of its own on the broker, of one partition, whose leader is known once a message was taken."""

    def __init__(self, settings: Settings) -> None:
        settings = settings.model_copy(update={"topics": settings.topics.model_copy(update={"partitions": 1})})
        create_topics(settings)
        self._settings, self._name = settings, settings.topics.of("rejected")
        limit = settings.topics.max_message_bytes * 4 // 3
        self._sink = RejectedTopic(settings.kafka.bootstrap_servers, self._name, client={}, max_message_bytes=limit, job="score_events")

    def write(self, batch: pa.RecordBatch) -> None:
        self._sink.write(batch, model="churn/7")

    def source(self, events: list[tuple[bytes, int]]) -> list[Message]:
        """Messages with these values and times, sent to a topic that refuses no time, and read again."""
        name = f"{self._name}.source"
        admin = AdminClient({"bootstrap.servers": self._settings.kafka.bootstrap_servers})
        any_time = {"message.timestamp.before.max.ms": str(2**63 - 1), "message.timestamp.after.max.ms": str(2**63 - 1)}
        admin.create_topics([NewTopic(name, 1, 1, config=any_time)])[name].result(30)
        producer = Producer({"bootstrap.servers": self._settings.kafka.bootstrap_servers})
        for value, sent_ms in events:
            producer.produce(name, value, timestamp=sent_ms)
        assert producer.flush(30) == 0
        return [*read_topic(self._settings, name)]

    def messages(self) -> list[Message]:
        return [*read_topic(self._settings, self._name)]


@pytest.fixture
def topic(settings_file: Path) -> Topic:
    return Topic(load_settings(settings_file))


def headers(message: Message) -> list[tuple[str, Any]]:
    return [*(message.headers() or [])]


@pytest.mark.integration
def test_where_it_came_from_and_why_it_was_rejected(topic: Topic) -> None:
    topic.write(rejected())
    (message,) = topic.messages()
    assert (message.key(), message.value()) == (b"C1", b'{"tenure": -1}')
    assert message.timestamp() == (TIMESTAMP_CREATE_TIME, RECEIVED_MS)
    assert dict(headers(message)) == {
        "__connect.errors.topic": b"activity",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"41",
        "__connect.errors.stage": b"validate",
        "__connect.errors.exception.class.name": b"streaming.errors.InvalidEvent",
        "__connect.errors.exception.message": b"minimum 0, found -1",
        "scoring.headers": b"0",
        "scoring.reason": b"minimum",
        "scoring.path": b"/tenure",
        "scoring.value": b"-1",
        "scoring.schema.version": b"1",
        "scoring.model": b"churn/7",
        "scoring.job": b"score_events",
        "scoring.attempt": b"1",
    }


@pytest.mark.integration
def test_bytes_keys_and_nulls_stay_as_they_are(topic: Topic) -> None:
    everything = bytes(range(256))
    originals: list[tuple[bytes | None, bytes | None]] = [(b"k", None), (None, b""), (everything, everything), (b"", b"\xff\xfe")]
    topic.write(rejected(*({"key": key, "value": value, "source_offset": n} for n, (key, value) in enumerate(originals))))
    found = {int(dict(headers(m))["__connect.errors.offset"] or b""): (m.key(), m.value()) for m in topic.messages()}
    assert found == dict(enumerate(originals))


OWN: list[tuple[str, bytes | None]] = [
    ("trace", b"\x00\xff"), ("scoring.reason", b"json"), ("trace", b"2"), ("empty", b""), ("null", None), ("scoring.headers", b"1"),
    ("scoring.timestamp", b"7"), ("__connect.errors.offset", b"7"), ("scoring.campaign", b"spring"), ("__connect.other", b""),
    ("scoring.replay.topic", b"mine"), ("scoring.headers", b"11"),
]  # fmt: skip


def pairs(headers: list[tuple[str, bytes | None]]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in headers]


@pytest.mark.integration
def test_every_header_of_an_event_is_kept_in_order_whatever_its_name_and_read_again(topic: Topic) -> None:
    topic.write(rejected({"headers": pairs(OWN)}))
    (message,) = topic.messages()
    own, ours = split_headers(headers(message))
    assert (own, headers(message)[: len(OWN)]) == (OWN, OWN)
    assert len({name for name, _ in ours}) == len(ours), "each of ours stands once"
    assert (dict(ours)["scoring.reason"], dict(ours)["__connect.errors.offset"]) == (b"minimum", b"41")
    found = rejection_of(message)
    assert found is not None
    assert (found.address, found.reason, found.received_ms) == (("activity", 3, 41), "minimum", RECEIVED_MS)


@pytest.mark.integration
def test_a_replayed_event_that_is_rejected_again_keeps_its_own_headers_and_names_its_mapping(topic: Topic) -> None:
    topic.write(rejected({"headers": pairs(OWN)}))
    (message,) = topic.messages()
    first = rejection_of(message)
    assert first is not None
    rules = Mapping(default={"a": 1})
    again = [(name, value if value is None else value if isinstance(value, bytes) else value.encode()) for name, value in
             outgoing(first, message, "run", rules).message.headers]  # fmt: skip
    topic.write(rejected({"headers": pairs(again)}))
    second = topic.messages()[1]
    assert original_of(second).headers == OWN
    told = rejection_of(second)
    assert told is not None
    assert (told.attempt, told.address) == (2, first.address)
    assert dict(split_headers(headers(second))[1])["scoring.replay.mapping"] == b'{"default": {"a": 1}}'


def test_headers_of_a_release_that_did_not_count_them_are_parted_by_name() -> None:
    own = [("trace", b"1"), ("scoring.campaign", b"spring"), ("scoring.headers", b"7")]
    ours = [("__connect.errors.offset", b"7"), ("scoring.reason", b"json"), ("scoring.timestamp", b"7")]
    assert split_headers([*own, *ours]) == (own, ours)


@pytest.mark.integration
def test_a_message_at_the_source_topics_limit_is_taken(topic: Topic) -> None:
    large = b"\x01" * 10_000_000
    topic.write(rejected({"value": large, "reason": "too_large"}))
    (message,) = topic.messages()
    assert message.value() == large


@pytest.mark.integration
def test_an_event_far_above_the_limit_is_taken_as_it_came_compressed(topic: Topic) -> None:
    """The limit of the source topic is on what a producer sends compressed."""
    large = b"\0" * 60_000_000
    topic.write(rejected({"value": b"before", "source_offset": 1}, {"value": large, "reason": "too_large"}))
    assert [message.value() for message in topic.messages()] == [b"before", large]


@pytest.mark.integration
def test_an_event_that_does_not_fit_even_compressed_is_told_and_not_waited_for(topic: Topic) -> None:
    noise = random.Random(1).randbytes(20_000_000)
    with pytest.raises(TopicError, match=r"does not take a message of 20000000 bytes .*; raise its max\.message\.bytes"):
        topic.write(rejected({"value": noise, "reason": "too_large"}))


@pytest.mark.integration
def test_reasons_in_any_script_and_without_a_version_are_told(topic: Topic) -> None:
    topic.write(rejected({"message": "found 'ünï 漢字 😀'", "schema_version": None}))
    told = dict(headers(topic.messages()[0]))
    assert (told["__connect.errors.exception.message"] or b"").decode() == "found 'ünï 漢字 😀'"
    assert "scoring.schema.version" not in told


@pytest.mark.integration
def test_every_millisecond_of_the_original_time_is_kept(topic: Topic) -> None:
    times = [{"received_at": RECEIVED + timedelta(milliseconds=n), "source_offset": n} for n in range(1000)]
    topic.write(rejected(*times))
    found = {int(dict(headers(m))["__connect.errors.offset"] or b""): m.timestamp()[1] for m in topic.messages()}
    assert found == {n: RECEIVED_MS + n for n in range(1000)}


def raw(message: Message, offset: int) -> dict[str, Any]:
    """A message as Spark hands it over."""
    return {
        "key": message.key(),
        "value": message.value(),
        "headers": [{"key": key, "value": value} for key, value in headers(message)],
        "source_topic": "activity",
        "source_partition": 0,
        "source_offset": offset,
        "received_at": message.timestamp()[1] * 1000,
    }


@pytest.mark.integration
@pytest.mark.parametrize("sent_ms", [-1, -62_135_596_800_001, 253_402_300_800_000, 2**63 // 1000], ids=str)
def test_an_event_with_an_absurd_time_goes_the_whole_way_and_its_time_is_told(topic: Topic, sent_ms: int) -> None:
    found = topic.source([(b"good", RECEIVED_MS), (b"absurd", sent_ms)])
    columns = RAW.set(RAW.get_field_index("received_at"), pa.field("received_at", pa.int64()))
    batch = pa.RecordBatch.from_pylist([raw(message, n) for n, message in enumerate(found)], schema=columns)
    outcome = Decode()(batch.cast(RAW), a_plan())
    assert outcome.rows.column("value").to_pylist() == [b"good"]
    topic.write(outcome.rejected)
    (message,) = topic.messages()
    assert message.value() == b"absurd"
    told = dict(headers(message))
    assert (told["scoring.reason"], told["scoring.timestamp"]) == (b"number_range", str(sent_ms).encode())
    assert f"found {sent_ms} ms" in (told["__connect.errors.exception.message"] or b"").decode()


@pytest.mark.integration
def test_nothing_to_reject_sends_nothing(topic: Topic) -> None:
    topic.write(rejected())
    topic.write(rejected().slice(0, 0))
    assert len(topic.messages()) == 1


def test_a_broker_that_is_away_is_unavailable() -> None:
    sink = RejectedTopic("127.0.0.1:1", "events.rejected", client={"log_level": "0"}, max_message_bytes=1000, job="j", delivery_s=0.3)
    with pytest.raises(Unavailable, match=r"topic events\.rejected did not take"):
        sink.write(rejected(), model="churn/7")
