"""The producer's side of a contract: send events that are valid, and know that they arrived.

Delivery: idempotent, acknowledged by all in-sync replicas; what was not acknowledged is told by `flush`, never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streaming.contracts import Contract, Reason
from streaming.contracts.reasons import message_of
from streaming.contracts.wire.writer import Wire, Written, writer
from streaming.errors import DeliveryError, InvalidEvent
from streaming.metrics.rejections import PRODUCER_HEADER
from streaming.records import rfc3339
from streaming.settings import NO_REGISTRY, SchemaRegistry
from streaming.sinks.acknowledged import Header, fatal_error

OnDelivery = Callable[[bytes | None, bytes | None, str, int, int, int], None]
"""Called with key, value, topic, partition, offset, and the message's timestamp in ms since 1970, once acknowledged."""


class EventProducer:
    """Sends events to one topic; use it as a context manager, which flushes at the end.

    Settings of `client` (librdkafka's names) are added to the producer's own; those that would lose events are not
    overridden: enable.idempotence and acks stay.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        contract: Contract | None = None,
        *,
        client: Mapping[str, str] | None = None,
        on_delivery: OnDelivery | None = None,
        wire: Wire = "json",
        registry: SchemaRegistry = NO_REGISTRY,
        source: str = "urn:streaming-scoring:producer",
        name: str = "",
    ) -> None:
        """contract: events are held to it before they are sent, and say its version, so that they are judged by it there too;
        None sends anything, which the deployment's version then judges.

        name: of who sends, for the header `producer`, by which rejections are counted; empty for none.

        wire: the format of the messages; registry: where the Confluent formats look the contract's schema up; source: who
        sends, a URI, for CloudEvents. Raises ConfigError if a format lacks a contract or a registry.
        """
        self._topic, self._contract, self._on_delivery = topic, contract, on_delivery
        self._write = writer(wire, topic, contract, registry, source)
        self._headers: list[Header] = [(PRODUCER_HEADER, name)] if name else []
        self._failures: list[str] = []
        self._unanswered = 0  # the client's own count has its notices in it
        ours = {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "acks": "all"}
        self._producer = Producer({"compression.type": "lz4", "linger.ms": 5, **(client or {}), **ours})

    def send(self, event: Mapping[str, Any] | bytes | None, *, key: bytes | None = None) -> None:
        """Queue an event: a mapping (times with a zone and UUIDs are written as text) or its JSON bytes. Waits while the queue is full.

        None sends a null value, which no contract allows.
        key: by default the entity of the contract, so that one entity's events keep their order.
        Raises InvalidEvent if the contract does not allow the event: mend what builds it. Raises DeliveryError if the
        message cannot be queued at all (too large, say). A Confluent format raises Unavailable if the schema registry gives no
        answer (nothing was sent: send again), and ContractError if it does not know the contract's schema.
        """
        value = event if isinstance(event, bytes | None) else _encoded(event)
        if self._contract is not None:
            reasons = [Reason("", "null_value")] if value is None else self._contract.check(value)
            if reasons:
                raise InvalidEvent(
                    f"{self._contract.event} v{self._contract.version}: {message_of(reasons)}; mend the event before it is sent"
                )
        written = Written(value, []) if value is None else self._write(value)
        self._queue(written, key if key is not None else self._entity(event))

    def flush(self, timeout_s: float = 60) -> None:
        """Wait until everything sent is acknowledged. Raises DeliveryError if after `timeout_s` something is not."""
        self._served(lambda: self._producer.flush(timeout_s))
        left, failures, self._failures = self._unanswered, self._failures, []
        if left or failures:
            why = failures[0] if failures else f"no answer within {timeout_s:g} s"
            raise DeliveryError(f"topic {self._topic}: {left + len(failures)} events not acknowledged ({why}); see the broker, send again")

    def __enter__(self) -> Self:
        """The producer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Flush; after an error in the block that error goes on, and the queue gets a short time."""
        if error is None:
            self.flush()
        else:
            with suppress(DeliveryError):
                self._served(lambda: self._producer.flush(5))

    def _entity(self, event: Mapping[str, Any] | bytes | None) -> bytes | None:
        if self._contract is None or event is None:
            return None
        fields = json.loads(event) if isinstance(event, bytes) else event
        return str(fields[self._contract.entity]).encode()

    def _queue(self, message: Written, key: bytes | None) -> None:
        while True:
            try:
                headers = [*message.headers, *self._headers]
                self._producer.produce(self._topic, message.value, key, headers=headers, on_delivery=self._delivered)
            except BufferError:
                if not self._unanswered:
                    raise DeliveryError(
                        f"topic {self._topic}: the event does not fit into the empty queue; raise queue.buffering.max.kbytes"
                    ) from None
                self._served(lambda: self._producer.poll(0.5))
            except KafkaException as error:
                raise DeliveryError(f"topic {self._topic}: {error.args[0].str()}; the event was not sent") from None
            else:
                self._unanswered += 1
                self._served(lambda: self._producer.poll(0))
                return

    def _served(self, wait: Callable[[], int]) -> int:
        try:
            return wait()
        except (KafkaException, SystemError) as error:
            why = fatal_error(error).str()
            raise DeliveryError(f"topic {self._topic}: {why}; this producer sends nothing more, make another and send again") from None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._unanswered -= 1
        if error is not None:
            denied = error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
            self._failures.append(f"{error.str()}, see `scoring topics acls`" if denied else error.str())
        elif self._on_delivery is not None:
            # An acknowledged message has all of these; the client's types allow None for one that is not yet sent.
            place = cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
            self._on_delivery(message.key(), message.value(), *place, message.timestamp()[1])


def _encoded(event: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(event, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEvent(f"the event cannot be written as JSON: {error}; expected text, numbers, times and None") from None


def _plain(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r}")
