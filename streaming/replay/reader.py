"""Reads the rejected and the replay topic between fixed offsets, without a consumer group, so that nobody's offsets move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.config import Kafka
from streaming.errors import TopicError, Unavailable
from streaming.replay.rejection import Address, Rejection, rejection_of

Span = dict[str, tuple[int, int]]
"""partition as text → first offset, offset after the last"""
_AT_ONCE = 500
_NO_LEADER_YET = (KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION)
_PAUSE_S = 0.2
_PREFETCH_KBYTES = "65536"


def span_of(kafka: Kafka, topic: str) -> Span:
    """What a topic holds now. Raises Unavailable if no broker answers, TopicError if there is no such topic."""
    with _opened(kafka, topic) as consumer:
        found = consumer.list_topics(topic, timeout=kafka.wait_s).topics[topic]
        if found.error is not None:
            raise TopicError(f"topic {topic}: {found.error.str()}; create it with `scoring topics create`")
        places = [TopicPartition(topic, number) for number in found.partitions]
        return {str(place.partition): _range(consumer, place, kafka.wait_s) for place in places}


def read(kafka: Kafka, topic: str, span: Span) -> Iterator[Message]:
    """The messages of a span, each partition in its order. Raises Unavailable if the brokers stop answering."""
    with _opened(kafka, topic) as consumer:
        ends = {int(number): end for number, (first, end) in span.items() if end > first}
        consumer.assign([TopicPartition(topic, number, span[str(number)][0]) for number in ends])
        progress = monotonic()
        while ends:
            messages = consumer.consume(_AT_ONCE, _PAUSE_S)
            for message in messages:
                if message.error() is not None:
                    raise KafkaException(message.error())
                number, offset = message.partition() or 0, message.offset() or 0
                if offset < ends.get(number, 0):
                    yield message
                if offset + 1 >= ends.get(number, 0):
                    ends.pop(number, None)
            progress = monotonic() if messages else progress
            if monotonic() - progress > kafka.wait_s:
                raise Unavailable(f"topic {topic} cannot be read to its end: nothing came for {kafka.wait_s:g} s; see the brokers")


def read_rejections(kafka: Kafka, topic: str, span: Span) -> dict[Address, Rejection]:
    """Each rejected event of a span once, by its first address, in the order of the topic. Raises as `read`.

    It has the reason of its last attempt and the place of its first. Holds some hundred bytes for each, and no values.
    """
    found: dict[Address, Rejection] = {}
    for message in read(kafka, topic, span):
        rejection = rejection_of(message)
        if rejection is not None:
            known = found.get(rejection.address)
            found[rejection.address] = known.again(rejection) if known else rejection
    return found


def _range(consumer: Consumer, place: TopicPartition, wait_s: float) -> tuple[int, int]:
    """First offset and the one after the last; waits for a leader, which a topic just made may not have yet."""
    until = monotonic() + wait_s
    while True:
        try:
            first, end = consumer.get_watermark_offsets(place, timeout=wait_s)
            return first, end
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or monotonic() > until:
                raise
        sleep(0.1)


@contextmanager
def _opened(kafka: Kafka, topic: str) -> Iterator[Consumer]:
    client = {"bootstrap.servers": kafka.bootstrap_servers, **kafka.client, "group.id": "scoring.rejected"}
    consumer = Consumer({**client, "enable.auto.commit": False, "queued.max.messages.kbytes": _PREFETCH_KBYTES, "log_level": 0})
    try:
        yield consumer
    except KafkaException as error:
        raise Unavailable(f"topic {topic} cannot be read: {error.args[0].str()}; see that the brokers are up") from None
    finally:
        consumer.close()
