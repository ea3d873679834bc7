"""A replay run: rejected events to the replay topic, each once, however often the run is stopped and started again.

Delivery: acknowledged by all in-sync replicas. Should a stop lie between a broker's taking a message and its being readable,
the event comes twice; the scoring job knows it by its first address, and scores it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from streaming.errors import Unavailable
from streaming.kafka.topic_span import read, span_of
from streaming.models.deployment import load_deployment
from streaming.replay.mapping import Mapping
from streaming.replay.on_the_way import on_the_way
from streaming.replay.outgoing import Replayed, replayed_events
from streaming.replay.reader import read_rejections
from streaming.replay.rejection import Address, Rejection, headers_of, named
from streaming.replay.selection import Selection, with_prediction
from streaming.replay.state import Run
from streaming.settings import Settings
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing
from streaming.steps.replayed import OFFSET, PARTITION, RUN, TOPIC

_MOST_AT_ONCE = 500
_MOST_BYTES = 16 * 1024 * 1024


class Wanted(NamedTuple):
    """What a selection means. open: rejections to send; mended: addresses that have a prediction; on_the_way: that were sent before."""

    open: list[Rejection]
    mended: set[Address]
    on_the_way: set[Address]


def wanted(settings: Settings, run: Run, sent: AbstractSet[Address] = frozenset()) -> Wanted:
    """The rejections that a run is to send. sent: what it has sent already, which is in none of the three but mended.

    Raises Unavailable, StoreError, TopicError.
    """
    deployment = load_deployment(settings.deployment).name
    found = select(settings, run.selection, run)
    replay = span_of(settings.kafka, settings.topics.of("replay"))
    waiting = on_the_way(settings, deployment, replay, found) - sent
    # After the replay topic: what is scored meanwhile has a prediction then.
    predicted = with_prediction(settings.store, deployment, [rejection.address for rejection in found])
    left = [rejection for rejection in found if rejection.address not in predicted | waiting | sent]
    return Wanted(left, predicted, waiting - predicted)


def select(settings: Settings, selection: Selection, run: Run | None = None) -> list[Rejection]:
    """The rejections that a selection means, as far as a run looked, or all there are now. Raises Unavailable, TopicError."""
    topic = settings.topics.of("rejected")
    span = run.rejected if run else span_of(settings.kafka, topic)
    return [rejection for rejection in read_rejections(settings.kafka, topic, span).values() if selection.has(rejection)]


def sent_before(settings: Settings, run: Run) -> set[Address]:
    """Addresses of the events that this run has sent already, as the replay topic has them. Raises Unavailable."""
    topic = settings.topics.of("replay")
    now = span_of(settings.kafka, topic)
    span = {number: (max(first, run.replay.get(number, (0, 0))[1]), end) for number, (first, end) in now.items()}
    found = set()
    for message in read(settings.kafka, topic, span):
        told = named(headers_of(message))
        if told.get(RUN) == run.id.encode():
            found.add((told[TOPIC].decode(), int(told[PARTITION]), int(told[OFFSET])))
    return found


def send(settings: Settings, run: Run, events: list[Rejection], mapping: Mapping, *, rate: float, told: Callable[[int], None]) -> None:
    """Send events to the replay topic, at most `rate` a second. told: called with the number sent after each chunk.

    Raises Unavailable if the brokers do not take them: run the same command again, and it goes on. Raises TopicError.
    """
    topic = AcknowledgedTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client, compression="zstd")
    began, number = time.monotonic(), 0
    most = max(1, min(_MOST_AT_ONCE, int(rate / 2)))
    for chunk in _chunks(replayed_events(settings, run.rejected, events, run.id, mapping), most):
        try:
            topic.send(settings.topics.of("replay"), chunk)
        except Unavailable as error:
            raise Unavailable(f"{error}; run the same command again when the brokers are back: it goes on from there") from None
        number += len(chunk)
        told(len(chunk))
        time.sleep(max(0.0, number / rate - (time.monotonic() - began)))


def _chunks(events: Iterator[Replayed], most: int) -> Iterator[list[Outgoing]]:
    chunk: list[Outgoing] = []
    size_bytes = 0
    for event in events:
        chunk.append(event.message)
        size_bytes += len(event.message.value or b"")
        if len(chunk) >= most or size_bytes >= _MOST_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk
