"""One rejected event, as its message on the rejected topic tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from sys import intern

from confluent_kafka import Message

from streaming.contracts.reasons import printable
from streaming.metrics.rejections import PRODUCER_HEADER, producer_name
from streaming.sinks.acknowledged import TIME_HEADER, Header
from streaming.sinks.rejected import split_headers
from streaming.steps.replayed import ATTEMPT

Address = tuple[str, int, int]
"""topic, partition, offset"""
_CONNECT = "__connect.errors."


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an event was rejected, and where it lies.

    address: where the event first came; place: partition and offset on the rejected topic of its first rejection, which has
    the original bytes; received_ms: the event's own time, ms since 1970; attempt: of its last rejection, from 1.
    """

    address: Address
    place: tuple[int, int]
    received_ms: int
    stage: str
    reason: str
    path: str
    message: str
    schema_version: str
    model: str
    producer: str
    attempt: int

    def again(self, later: Rejection) -> Rejection:
        """The event after another rejection: the last reason, with the first place and the first time."""
        first, last = (self, later) if later.attempt > self.attempt else (later, self)
        return replace(last, place=first.place, received_ms=first.received_ms) if first.attempt != last.attempt else self


@dataclass(frozen=True)
class Original:
    """What a producer sent, byte for byte. headers: the event's own, without those that a rejection added."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


def rejection_of(message: Message) -> Rejection | None:
    """A message of the rejected topic as a rejection; None if it is none of this service's."""
    own, ours = split_headers(headers_of(message))
    told = named(ours)

    def text(name: str) -> str:  # one copy of each text: a million rejections have few different ones
        return intern(printable(told.get(name, b"").decode("utf-8", "replace")))

    numbers = [text(name) for name in (f"{_CONNECT}partition", f"{_CONNECT}offset", ATTEMPT)]
    if not all(number.isdecimal() and len(number) < 20 for number in numbers) or "scoring.reason" not in told:
        return None
    partition, offset, attempt = map(int, numbers)
    sent = text(TIME_HEADER)  # where the broker did not take the event's own time
    return Rejection(
        address=(text(f"{_CONNECT}topic"), partition, offset),
        place=(message.partition() or 0, message.offset() or 0),
        received_ms=int(sent) if sent.removeprefix("-").isdecimal() else message.timestamp()[1],
        stage=text(f"{_CONNECT}stage"),
        reason=text("scoring.reason"),
        path=text("scoring.path"),
        message=text(f"{_CONNECT}exception.message"),
        schema_version=text("scoring.schema.version"),
        model=text("scoring.model"),
        producer=intern(producer_name(named(own).get(PRODUCER_HEADER))),
        attempt=attempt,
    )


def original_of(message: Message) -> Original:
    """What was sent, from its message on the rejected topic."""
    return Original(message.key(), message.value(), split_headers(headers_of(message))[0])


def named(headers: Sequence[Header]) -> dict[str, bytes]:
    """Headers by name; the last of a name counts, and null is empty."""
    return {name: value.encode() if isinstance(value, str) else value or b"" for name, value in headers}


def headers_of(message: Message) -> list[tuple[str, bytes | None]]:
    """The headers of a message, in order."""
    return [*(message.headers() or [])]
