"""The load: valid events of held-out customers, each with its own id and time, as fast as can be or at a steady rate."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from streaming.local.corruption import encode
from streaming.local.telco import customer_id, event_fields, load_telco, split
from streaming.producer import EventProducer
from streaming.records import rfc3339
from streaming.settings import Settings

Event = tuple[bytes, bytes]  # key, value


class Events:
    """An endless iterator of events. entities: number of distinct customers that they are about."""

    def __init__(self, entities: int) -> None:
        _, held_out = split(load_telco())
        # The features are encoded once; what differs from event to event stands before them.
        self._features = [encode(_without_id(fields))[1:] for fields in event_fields(held_out)]
        self._entities, self._run = entities, uuid.uuid4().hex[:8]

    def __iter__(self) -> Iterator[Event]:
        """The events; an event's time is the time at which it is taken."""
        number = 0
        while True:
            entity = customer_id(number % self._entities)
            head = (
                f'{{"event_id":"{self._run}-0000-4000-8000-{number:012x}","event_time":"{rfc3339(datetime.now(UTC))}",'
                f'"customer_id":"{entity}",'
            )
            yield entity.encode(), head.encode() + self._features[number % len(self._features)]
            number += 1


def fill(settings: Settings, events: Events, count: int) -> float:
    """Put a backlog on the event topic, acknowledged. Returns the seconds it took. Raises DeliveryError."""
    began = time.monotonic()
    with _producer(settings) as producer:
        for (key, value), _ in zip(events, range(count), strict=False):
            producer.send(value, key=key)
    return time.monotonic() - began


def pace(settings: Settings, events: Events, *, rate: float, seconds: float, alive: Callable[[], None], most: int | None = None) -> int:
    """Send `rate` events a second for `seconds`, evenly, but no more than `most`. Returns how many were sent.

    alive: called about once a second; raises when what is measured has ended. Raises DeliveryError.
    """
    count = min(round(rate * seconds), most or round(rate * seconds))
    sent = 0
    with _producer(settings) as producer:
        start = time.monotonic()
        for number, (key, value) in zip(range(count), events, strict=False):
            if time.monotonic() - start > seconds and most:
                break
            ahead_s = start + number / rate - time.monotonic()
            if ahead_s > 0:
                time.sleep(max(ahead_s, 0.001))
            if number % max(1, min(round(rate), 10_000)) == 0:
                alive()
            producer.send(value, key=key)
            sent += 1
    return sent


def _producer(settings: Settings) -> EventProducer:
    # The broker is stopped at the end: the client's lines about that would stand between the tables.
    client = {**settings.kafka.client, "log_level": "0"}
    return EventProducer(settings.kafka.bootstrap_servers, settings.topics.event, client=client)


def _without_id(fields: dict[str, str | int | float | None]) -> dict[str, str | int | float | None]:
    return {name: value for name, value in fields.items() if name != "customer_id"}
