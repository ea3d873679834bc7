"""The topic of labels, read from where the store says that it was read to.

Delivery: at least once; nothing is committed at the brokers, for the place stands in the store, in the transaction of the labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.errors import TopicError
from streaming.kafka.acls import LABELS_GROUP
from streaming.kafka.refusals import told
from streaming.logs import KafkaClientLog
from streaming.settings import Kafka

_PAUSE_S = 0.25
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT)


class LabelSource:
    """A consumer of every partition of the topic of labels; it belongs to one thread.

    stood: partition → offset to read on from; another partition is read from its beginning. Raises TopicError, Unavailable.
    """

    def __init__(self, kafka: Kafka, topic: str, stood: Mapping[int, int]) -> None:
        self._kafka, self._topic = kafka, topic
        # librdkafka insists on a group. Where a place is gone it is to say so, and not to go elsewhere.
        ours = {"group.id": LABELS_GROUP, "enable.auto.commit": False, "auto.offset.reset": "error", "isolation.level": "read_committed"}
        self._consumer = Consumer({**kafka.client, "bootstrap.servers": kafka.bootstrap_servers, **ours}, logger=KafkaClientLog())
        try:
            partitions = sorted(self._consumer.list_topics(topic, kafka.wait_s).topics[topic].partitions)
            self._consumer.assign([TopicPartition(topic, number, stood.get(number, OFFSET_BEGINNING)) for number in partitions])
        except KafkaException as error:
            self.close()
            raise told(kafka, f"topic {topic}", error.args[0]) from None
        if not partitions:
            self.close()
            raise TopicError(f"there is no topic {topic} at {kafka.bootstrap_servers}; make it with `scoring topics create`")

    def take(self, most: int, settle_s: float) -> list[Message]:
        """Messages in the order of their partitions, at most so many; the first is waited for a moment, the others for settle_s.

        Raises Unavailable if no broker answers, TopicError if what was to be read is gone.
        """
        taken: list[Message] = []
        until = monotonic() + settle_s
        while len(taken) < most:
            came = [self._sound(message) for message in self._consume(most - len(taken))]
            taken += [message for message in came if message is not None]
            if not taken or monotonic() > until:
                break
        return taken

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _consume(self, most: int) -> list[Message]:
        try:
            return self._consumer.consume(most, _PAUSE_S)
        except KafkaException as error:
            raise told(self._kafka, f"topic {self._topic}", error.args[0]) from None

    def _sound(self, message: Message) -> Message | None:
        error = message.error()
        if error is None:
            return message
        if error.code() in _GONE:
            raise TopicError(
                f"topic {self._topic}: labels were deleted before they were read ({error.str()}); send them again, set their place in the "
                "table label_offset to one that is there, and see the topic's retention.ms"
            )
        if error.code() in _AWAY or error.fatal():
            raise told(self._kafka, f"topic {self._topic}", error)
        return None  # passes by itself: a new leader, a rebalanced broker
