"""A producer that is done only when the brokers have said so: send many, wait, raise what failed.

Delivery: at least once, acknowledged by all in-sync replicas before `send` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streaming.errors import ScoringError, TopicError, Unavailable
from streaming.logs import KafkaClientLog

TIME_HEADER = "scoring.timestamp"
"""The message's time in ms since 1970, as text, where the brokers do not take it as the record's own."""
Header = tuple[str, str | bytes | None]

# The client's limit is on the uncompressed message, the topic's on the compressed batch: the topic is to decide.
_LARGEST_MESSAGE = 1_000_000_000
_LARGEST_QUEUE_KBYTES = 2_097_151  # above the largest message, which would otherwise wait for room for ever
_FLUSH_BYTES = 256 * 1024 * 1024  # what is sent before it is waited for, so that a flood of large events stays within memory
_BATCH_BYTES = 1_000_000
_EMPTY = "returned NULL without setting an exception"  # what the client's `flush` does when another call has taken the error
# What waiting does not mend, with what to do about it.
_FINAL = {
    KafkaError.MSG_SIZE_TOO_LARGE: "raise its max.message.bytes, and message.max.bytes of the brokers",
    KafkaError.RECORD_LIST_TOO_LARGE: "raise segment.bytes of the topic",
    KafkaError.INVALID_RECORD: "let its cleanup.policy be delete",
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE: "use brokers that know zstd (2.1 or later)",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "let this client write to it, see `scoring topics acls`",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "let this client write idempotently",
}


class Outgoing(NamedTuple):
    """A message to send. sent_ms: its time in ms since 1970, above 0; None takes the time of sending."""

    value: bytes | None
    key: bytes | None
    headers: Sequence[Header] = ()
    sent_ms: int | None = None

    def timeless(self) -> Outgoing:
        """The same with its time in a header only."""
        return self._replace(headers=[*self.headers, (TIME_HEADER, str(self.sent_ms))], sent_ms=None)


Refused = list[tuple[Outgoing, KafkaError]]


class AcknowledgedTopic:
    """Sends messages and waits for the brokers' word. Holds one producer, built anew after an error that ends it.

    client: settings in librdkafka's words; those that would lose messages are not overridden. batch_bytes: most that is
    put together, uncompressed; no more than the topic's max.message.bytes.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client: Mapping[str, str],
        compression: str,
        batch_bytes: int = _BATCH_BYTES,
        delivery_s: float = 60,
    ) -> None:
        self._delivery_s = delivery_s
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap_servers,
            **client,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "compression.type": compression,
            "batch.size": min(batch_bytes, _BATCH_BYTES),
            "message.max.bytes": _LARGEST_MESSAGE,
            "queue.buffering.max.kbytes": _LARGEST_QUEUE_KBYTES,
            "delivery.timeout.ms": int(delivery_s * 1000),
        }
        self._ended = False
        self._producer = Producer(self._settings, logger=KafkaClientLog())

    def send(self, topic: str, messages: Iterable[Outgoing]) -> None:
        """Send messages, and return once all are acknowledged.

        If the brokers refuse the time of one, it and those of its batch go with their time in TIME_HEADER.
        Raises Unavailable: wait, then send all again. Raises TopicError for what the topic will never take: mend the topic.
        """
        again = self._round(topic, messages)
        if again and self._round(topic, again):
            raise Unavailable(f"topic {topic} refuses the time of sending; set the clocks of this machine and of the brokers")

    def _round(self, topic: str, messages: Iterable[Outgoing]) -> list[Outgoing]:
        """Send each once. Returns those to send again because of a time that the brokers do not take."""
        if self._ended:
            self._producer, self._ended = Producer(self._settings, logger=KafkaClientLog()), False
        refused: Refused = []
        again: list[Outgoing] = []
        queued = 0
        for message in messages:
            self._queue(topic, message, refused)
            queued += len(message.value or b"")
            if queued > _FLUSH_BYTES:
                again += self._acknowledged(topic, refused)
                queued = 0
        return again + self._acknowledged(topic, refused)

    def _queue(self, topic: str, message: Outgoing, refused: Refused) -> None:
        told = partial(_delivered, refused, message)
        sent_ms = message.sent_ms or 0  # 0 is librdkafka's word for now
        while True:
            try:
                self._producer.produce(topic, message.value, message.key, headers=[*message.headers], timestamp=sent_ms, on_delivery=told)
                return
            except BufferError:
                self._served(topic, lambda: self._producer.poll(0.1))
            except KafkaException as error:
                self._ended = self._ended or error.args[0].code() == KafkaError._FATAL
                raise _failure(topic, error.args[0], message) from None

    def _acknowledged(self, topic: str, refused: Refused) -> list[Outgoing]:
        """Wait for the brokers' word on what is queued. Returns what to send again because of a time."""
        left = self._served(topic, lambda: self._producer.flush(self._delivery_s + 5))
        if left:
            raise Unavailable(f"topic {topic} did not take {left} messages: time is out")
        again = []
        for message, error in refused:
            if error.code() == KafkaError.INVALID_TIMESTAMP:
                again.append(message if message.sent_ms is None else message.timeless())
            elif error.code() == KafkaError._INVALID_DIFFERENT_RECORD:  # only a neighbour in its batch was refused
                again.append(message)
            else:
                raise _failure(topic, error, message)
        refused.clear()
        return again

    def _served(self, topic: str, wait: Callable[[], int]) -> int:
        try:
            return wait()
        except (KafkaException, SystemError) as error:
            self._ended = True
            raise Unavailable(f"topic {topic}: {fatal_error(error).str()}; the producer is built anew") from None


def fatal_error(thrown: KafkaException | SystemError) -> KafkaError:
    """The error that ended a producer, from what its `poll` or `flush` has thrown: a fatal error is reported nowhere else.

    It comes as a SystemError, or one within another, when the client has served more after it; at times as one that holds
    nothing, for which a general one stands. Raises any other SystemError again.
    """
    if isinstance(thrown, SystemError) and _EMPTY in str(thrown):
        return KafkaError(KafkaError._FATAL, "a fatal error ended the producer")
    cause: BaseException | None = thrown
    while isinstance(cause, SystemError):
        cause = cause.__cause__ or cause.__context__
    if not isinstance(cause, KafkaException):
        raise thrown
    found: KafkaError = cause.args[0]
    return found


def _failure(topic: str, error: KafkaError, message: Outgoing) -> ScoringError:
    if error.code() in _FINAL:
        size = f"a message of {len(message.value or b'')} bytes"
        return TopicError(f"topic {topic} does not take {size} ({error.str()}); {_FINAL[error.code()]}")
    return Unavailable(f"topic {topic} did not take a message: {error.str()}")


def _delivered(refused: Refused, message: Outgoing, error: KafkaError | None, _: Message) -> None:
    if error is not None:
        refused.append((message, error))
