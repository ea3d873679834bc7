"""Reads the metrics and alerts topics from their beginning, without a consumer group, so that nobody's offsets move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from streaming.errors import TopicError, Unavailable
from streaming.kafka.refusals import told
from streaming.metrics.records import decode
from streaming.report.story import Story, tell
from streaming.settings import Settings

BATCH = 500
LAG_WAIT_S = 2.0  # a page that shows the lag should not stand still for long while the brokers are away
PAUSE_S = 0.1  # consume() waits this long for a full batch, so it bounds the wait at the end of the topic


@dataclass
class Reader:
    """Follows the topics of one service and tells its story. Made by `open_reader`."""

    consumer: Consumer
    event_topic: str
    wait_s: float
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    story: Story = field(default_factory=Story)

    def catch_up(self) -> Story:
        """Read up to where the topics ended when the reader was opened; returns the story. Raises Unavailable."""
        progress = monotonic()
        while not self._at_end():
            if self.poll(PAUSE_S):
                progress = monotonic()
            elif monotonic() > progress + self.wait_s:
                raise Unavailable(f"the metrics topic stopped answering for {self.wait_s:g} s; see that the brokers are up")
        return self.story

    def poll(self, timeout_s: float) -> int:
        """Tell what comes within `timeout_s`, but no more than BATCH messages; returns the number read."""
        messages = self.consumer.consume(BATCH, timeout_s)
        for message in messages:
            record = decode(message.value() or b"") if message.error() is None else None
            if record is not None:
                tell(self.story, record)
        return len(messages)

    def lag(self) -> int | None:
        """Events on the event topic that no metrics record covers yet; None while the brokers do not answer."""
        covered = self.story.offsets.get(self.event_topic, {})
        try:
            marks = {p: self.consumer.get_watermark_offsets(p, LAG_WAIT_S) for p in self._partitions()}
        except KafkaException:
            return None
        return sum(high - max(low, covered.get(str(p.partition), [0, 0])[1]) for p, (low, high) in marks.items())

    def _partitions(self) -> list[TopicPartition]:
        metadata = self.consumer.list_topics(self.event_topic, LAG_WAIT_S)
        return [TopicPartition(self.event_topic, number) for number in metadata.topics[self.event_topic].partitions]

    def _at_end(self) -> bool:
        positions = self.consumer.position([TopicPartition(topic, number) for topic, number in self.ends])
        # A partition that was never polled has no position yet (OFFSET_INVALID, negative): only an empty one is at its end.
        return all(p.offset >= self.ends[(p.topic, p.partition)] for p in positions)


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader]:
    """A reader of the service's metrics and alerts topics, placed at their beginning.

    Raises Unavailable if the brokers do not answer within kafka.wait_s, TopicError if there is no metrics topic.
    """
    consumer = Consumer(
        {
            **settings.kafka.client,
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": "scoring.report",  # librdkafka insists on one; nothing is committed
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "log_level": 2,
        }
    )
    try:
        reader = Reader(consumer, settings.topics.event, settings.kafka.wait_s)
        reader.ends = _assign(consumer, settings)
        yield reader
    except KafkaException as error:
        raise told(settings.kafka, "the metrics and alerts topics", error.args[0]) from None
    finally:
        consumer.close()


def _assign(consumer: Consumer, settings: Settings) -> dict[tuple[str, int], int]:
    wait_s = settings.kafka.wait_s
    topics = consumer.list_topics(timeout=wait_s).topics
    metrics, alerts = settings.topics.of("metrics"), settings.topics.of("alerts")
    if metrics not in topics:
        hidden = consumer.list_topics(metrics, wait_s).topics[metrics].error
        if hidden is not None and hidden.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaException(hidden)
        raise TopicError(f"there is no topic {metrics}; create it by `scoring topics create`, or name it under [topics]")
    partitions = [TopicPartition(name, number) for name in (metrics, alerts) if name in topics for number in topics[name].partitions]
    ends: dict[tuple[str, int], int] = {}
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(partition, wait_s)
        if high > low:
            ends[(partition.topic, partition.partition)] = high
        partition.offset = OFFSET_BEGINNING
    consumer.assign(partitions)
    return ends
