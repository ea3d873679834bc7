"""A rejected event as the message that is sent again: its own key, bytes, headers and time, and where it first came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import Message

from streaming.kafka.topic_span import Span, read
from streaming.replay.enclosed import mapped
from streaming.replay.mapping import Mapping
from streaming.replay.rejection import Address, Rejection, named, original_of
from streaming.settings import Settings
from streaming.sinks.acknowledged import Header, Outgoing
from streaming.sinks.rejected import own_count
from streaming.steps.replayed import ATTEMPT, MAPPING, OFFSET, PARTITION, RUN, TIMESTAMP, TOPIC


class Replayed(NamedTuple):
    """An event that is sent again. mapped: whether the mapping changed its bytes; readable: whether it could be applied to it."""

    address: Address
    message: Outgoing
    mapped: bool
    readable: bool = True


def outgoing(rejection: Rejection, message: Message, run: str, mapping: Mapping) -> Replayed:
    """The message to send for a rejection. message: its first one on the rejected topic, which has the original bytes."""
    original = original_of(message)
    value, readable = mapped(original.value, named(original.headers), mapping)
    headers: list[Header] = [*original.headers, own_count(original.headers), *_headers(rejection, run)]
    if value != original.value:
        headers.append((MAPPING, mapping.told))
    sent = Outgoing(value, original.key, headers, rejection.received_ms)
    return Replayed(rejection.address, sent if rejection.received_ms > 0 else sent.timeless(), value != original.value, readable)


def replayed_events(settings: Settings, span: Span, wanted: list[Rejection], run: str, mapping: Mapping) -> Iterator[Replayed]:
    """The wanted rejections as messages to send, read once more from the rejected topic, one at a time. Raises Unavailable."""
    places = {rejection.place: rejection for rejection in wanted}
    if not places:
        return
    for message in read(settings.kafka, settings.topics.of("rejected"), span):
        rejection = places.get((message.partition() or 0, message.offset() or 0))
        if rejection is not None:
            yield outgoing(rejection, message, run, mapping)


def _headers(rejection: Rejection, run: str) -> list[Header]:
    topic, partition, offset = rejection.address
    texts = {TOPIC: topic, PARTITION: partition, OFFSET: offset, TIMESTAMP: rejection.received_ms, RUN: run}
    return [*((name, str(text).encode()) for name, text in texts.items()), (ATTEMPT, str(rejection.attempt + 1).encode())]
