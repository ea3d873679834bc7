"""Replayed events that the scoring job has not come to yet: asking for them again must not send them twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confluent_kafka import Message

from streaming.kafka.topic_span import Span, committed, read
from streaming.replay.rejection import Address, Rejection, headers_of, named
from streaming.settings import Settings
from streaming.sinks.rejected import split_headers
from streaming.steps.replayed import ATTEMPT, OFFSET, PARTITION, TOPIC


def on_the_way(settings: Settings, deployment: str, replay: Span, rejections: Iterable[Rejection]) -> set[Address]:
    """Addresses of the rejections that lie on the replay topic without an outcome.

    replay: the span to look at, taken after the rejections were read. Left out are those behind what the job says that it has
    done (its consumer group), and those that were rejected again. Raises Unavailable, TopicError.
    """
    group = settings.stream.consumer_group or f"scoring.{deployment}"
    done = committed(settings.kafka, settings.topics.of("replay"), replay, group)
    left = {number: (max(first, done.get(number, 0)), end) for number, (first, end) in replay.items()}
    attempts = {rejection.address: rejection.attempt for rejection in rejections}
    if not attempts:
        return set()
    messages = read(settings.kafka, settings.topics.of("replay"), left)
    return {address for message in messages if (address := waiting(message, attempts)) is not None}


def waiting(message: Message, attempts: Mapping[Address, int]) -> Address | None:
    """The address of a message of the replay topic whose attempt has no outcome; None for any other. attempts: of the last rejection."""
    told = named(split_headers(headers_of(message))[1])
    texts = [told.get(name, b"") for name in (PARTITION, OFFSET, ATTEMPT)]
    if not all(text.isdigit() and len(text) < 20 for text in texts):
        return None
    partition, offset, attempt = map(int, texts)
    address = told.get(TOPIC, b"").decode("utf-8", "replace"), partition, offset
    return address if attempt > attempts.get(address, attempt) else None
