"""Spans of a topic: what it holds between fixed offsets, read without a consumer group, so that nobody's offsets move."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep, time
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.errors import TopicError, Unavailable
from streaming.kafka.refusals import told
from streaming.settings import Kafka

Span = dict[str, tuple[int, int]]
"""partition as text → first offset, offset after the last"""
_AT_ONCE = 500
_PAUSE_S = 0.2
_PREFETCH_KBYTES = "65536"
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_LEADERLESS = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
T = TypeVar("T")


def span_of(kafka: Kafka, topic: str) -> Span:
    """What a topic holds now. Raises Unavailable if no broker answers within kafka.wait_s, TopicError if there is no such topic."""
    with _opened(kafka, topic) as consumer:
        return _span(consumer, kafka, topic)


def read(kafka: Kafka, topic: str, span: Span) -> Iterator[Message]:
    """The messages of a span, each partition in its order.

    Raises Unavailable if the brokers stop answering, TopicError if the topic does not hold the span's beginning any more.
    """
    with _opened(kafka, topic) as consumer:
        yield from _messages(consumer, kafka, topic, span)


def committed(kafka: Kafka, topic: str, span: Span, group: str) -> dict[str, int]:
    """What a consumer group says that it has done of a topic: partition → the offset after the last; left out where it says nothing.

    Raises as `read`.
    """
    with _opened(kafka, topic, group) as consumer:
        asked = [TopicPartition(topic, int(number)) for number in span]
        found = _settled(lambda: consumer.committed(asked, kafka.wait_s), kafka.wait_s)
    return {str(place.partition): place.offset for place in found if place.offset >= 0}


def newest(kafka: Kafka, topic: str, count: int) -> list[bytes]:
    """The values of the newest `count` messages by their time, oldest first; a tombstone is empty. Holds that many in memory.

    Raises as `span_of` does.
    """
    return [message.value() or b"" for message in newest_messages(kafka, topic, count)]


def since(kafka: Kafka, topic: str, window_s: float) -> Iterator[bytes]:
    """The values of the messages of the last `window_s` seconds by the messages' own time. Raises as `span_of` does."""
    for message in messages_since(kafka, topic, window_s):
        yield message.value() or b""


def newest_messages(kafka: Kafka, topic: str, count: int) -> list[Message]:
    """The newest `count` messages by their time, oldest first, whole: with key, headers and address. As `newest` otherwise."""
    with _opened(kafka, topic) as consumer:
        span = {number: (max(low, high - count), high) for number, (low, high) in _span(consumer, kafka, topic).items()}
        messages = heapq.nlargest(count, _messages(consumer, kafka, topic, span), key=_order)
    return sorted(messages, key=_order)


def messages_since(kafka: Kafka, topic: str, window_s: float) -> Iterator[Message]:
    """The messages of the last `window_s` seconds by their own time, whole. Raises as `span_of` does."""
    with _opened(kafka, topic) as consumer:
        span = _from(consumer, kafka, topic, _span(consumer, kafka, topic), int((time() - window_s) * 1000))
        yield from _messages(consumer, kafka, topic, span)


def _span(consumer: Consumer, kafka: Kafka, topic: str) -> Span:
    found = consumer.list_topics(topic, kafka.wait_s).topics[topic]
    if found.error is not None and found.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise KafkaException(found.error)
    if found.error is not None or not found.partitions:
        raise TopicError(f"there is no topic {topic} at {kafka.bootstrap_servers}; name one that is there, or `scoring topics create` it")
    return _settled(
        lambda: {str(number): _range(consumer, topic, number, kafka.wait_s) for number in sorted(found.partitions)}, kafka.wait_s
    )


def _range(consumer: Consumer, topic: str, number: int, wait_s: float) -> tuple[int, int]:
    first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), wait_s)
    return first, end


def _from(consumer: Consumer, kafka: Kafka, topic: str, span: Span, moment_ms: int) -> Span:
    """The span from the first message of each partition that is not older; a partition without one has an empty range."""
    wanted = [TopicPartition(topic, int(number), moment_ms) for number in span]
    firsts = {str(p.partition): p.offset for p in _settled(lambda: consumer.offsets_for_times(wanted, kafka.wait_s), kafka.wait_s)}
    return {number: (firsts[number] if firsts[number] >= 0 else end, end) for number, (_, end) in span.items()}


def _messages(consumer: Consumer, kafka: Kafka, topic: str, span: Span) -> Iterator[Message]:
    ends = {int(number): end for number, (first, end) in span.items() if end > first}
    consumer.assign([TopicPartition(topic, number, span[str(number)][0]) for number in ends])
    progress = monotonic()
    while ends:
        messages = consumer.consume(_AT_ONCE, _PAUSE_S)
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            if (message.offset() or 0) < ends.get(message.partition() or 0, 0):
                yield message
        if messages:
            progress = monotonic()  # after the reader has taken them, for it may take its time
        # Offsets may be missing (compaction, transactions), so the position tells the end, not the last message.
        positions = consumer.position([TopicPartition(topic, number) for number in ends])
        ends = {p.partition: ends[p.partition] for p in positions if p.offset < ends[p.partition]}
        if ends and monotonic() > progress + kafka.wait_s:
            raise Unavailable(f"topic {topic} cannot be read to its end: nothing came for {kafka.wait_s:g} s; see that the brokers are up")


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


@contextmanager
def _opened(kafka: Kafka, topic: str, group: str = "scoring.span") -> Iterator[Consumer]:
    # librdkafka insists on a group; nothing is committed. Where a span's beginning is gone it is to say so, and not to go elsewhere.
    ours = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "error", "log_level": 0}
    consumer = Consumer(
        {**kafka.client, "bootstrap.servers": kafka.bootstrap_servers, "queued.max.messages.kbytes": _PREFETCH_KBYTES, **ours}
    )
    try:
        yield consumer
    except KafkaException as error:
        if error.args[0].code() in _GONE:
            raise TopicError(
                f"topic {topic} does not hold what was to be read any more ({error.args[0].str()}); begin anew, and see its retention.ms"
            ) from None
        raise told(kafka, f"topic {topic}", error.args[0]) from None
    finally:
        consumer.close()


def _order(message: Message) -> tuple[int, int, int]:
    return message.timestamp()[1], message.partition() or 0, message.offset() or 0
