"""A window of a topic: its newest messages, or those of the last seconds, read without a consumer group."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep, time
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.config import Kafka
from streaming.errors import TopicError, Unavailable

_BATCH = 500
_PAUSE_S = 0.2
_LEADERLESS = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
T = TypeVar("T")
Range = tuple[int, int, int]  # partition, first offset, offset after the last


def newest(kafka: Kafka, topic: str, count: int) -> list[bytes]:
    """The values of the newest `count` messages by their time, oldest first; a tombstone is empty. Holds that many in memory.

    Raises Unavailable if the brokers do not answer within kafka.wait_s, TopicError if there is no such topic.
    """
    with _opened(kafka, topic) as window:
        ranges = [(number, max(low, high - count), high) for number, low, high in window.ranges]
        messages = heapq.nlargest(count, window.read(ranges), key=_order)
    return [message.value() or b"" for message in sorted(messages, key=_order)]


def since(kafka: Kafka, topic: str, window_s: float) -> Iterator[bytes]:
    """The values of the messages of the last `window_s` seconds by the messages' own time. Raises as `newest` does."""
    with _opened(kafka, topic) as window:
        for message in window.read(window.ranges_since(int((time() - window_s) * 1000))):
            yield message.value() or b""


@dataclass(frozen=True)
class _Window:
    consumer: Consumer
    topic: str
    wait_s: float
    ranges: list[Range]

    def ranges_since(self, moment_ms: int) -> list[Range]:
        """From the first message of each partition that is not older; a partition without one has an empty range."""
        wanted = [TopicPartition(self.topic, number, moment_ms) for number, _, _ in self.ranges]
        found = _settled(lambda: self.consumer.offsets_for_times(wanted, self.wait_s), self.wait_s)
        firsts = {p.partition: p.offset for p in found}
        return [(number, firsts[number] if firsts[number] >= 0 else high, high) for number, _, high in self.ranges]

    def read(self, ranges: list[Range]) -> Iterator[Message]:
        """Every message in the ranges."""
        ends = {number: high for number, low, high in ranges if high > low}
        self.consumer.assign([TopicPartition(self.topic, number, low) for number, low, high in ranges if high > low])
        progress = monotonic()
        while ends:
            for message in self.consumer.consume(_BATCH, _PAUSE_S):
                if message.error() is not None:
                    raise KafkaException(message.error())
                progress = monotonic()
                if (message.offset() or 0) < ends.get(message.partition() or 0, 0):
                    yield message
            # Offsets may be missing (compaction, transactions), so the position tells the end, not the last message.
            positions = self.consumer.position([TopicPartition(self.topic, number) for number in ends])
            ends = {p.partition: ends[p.partition] for p in positions if p.offset < ends[p.partition]}
            if ends and monotonic() > progress + self.wait_s:
                raise Unavailable(f"topic {self.topic} stopped answering for {self.wait_s:g} s; see that the brokers are up")


@contextmanager
def _opened(kafka: Kafka, topic: str) -> Iterator[_Window]:
    settings = {**kafka.client, "bootstrap.servers": kafka.bootstrap_servers}
    # librdkafka insists on a group; nothing is committed.
    consumer = Consumer({**settings, "group.id": "scoring.data", "enable.auto.commit": False, "log_level": 2})
    try:
        found = consumer.list_topics(topic, kafka.wait_s).topics[topic]
        if found.error is not None or not found.partitions:
            raise TopicError(f"there is no topic {topic} at {kafka.bootstrap_servers}; name one that is there with --topic")
        ranges = _settled(lambda: _ranges(consumer, topic, sorted(found.partitions), kafka.wait_s), kafka.wait_s)
        yield _Window(consumer, topic, kafka.wait_s, ranges)
    except KafkaException as error:
        raise Unavailable(f"{kafka.bootstrap_servers}: {error.args[0].str()}; see that the brokers are up") from None
    finally:
        consumer.close()


def _ranges(consumer: Consumer, topic: str, numbers: list[int], wait_s: float) -> list[Range]:
    return [(number, *consumer.get_watermark_offsets(TopicPartition(topic, number), wait_s)) for number in numbers]


def _settled(ask: Callable[[], T], wait_s: float) -> T:
    """Ask again while a partition has no leader yet, as one of a topic that was just made, for at most `wait_s`."""
    give_up = monotonic() + wait_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _LEADERLESS or monotonic() > give_up:
                raise
            sleep(_PAUSE_S)


def _order(message: Message) -> tuple[int, int, int]:
    return message.timestamp()[1], message.partition() or 0, message.offset() or 0
