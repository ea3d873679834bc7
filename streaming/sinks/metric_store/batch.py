"""Messages of the metrics topic, read: which are records, which are strange, and what the records say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from streaming.metrics.points import Points, points
from streaming.metrics.records import decode, fault_of


class Message(NamedTuple):
    """A message of the topic, and where it lies."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


class Stored(NamedTuple):
    """A record: the message that holds it, its fields, and what it says."""

    message: Message
    fields: dict[str, Any]
    points: Points

    @property
    def key(self) -> tuple[str, str]:
        """Kind and id: what it is remembered by."""
        return self.fields["record"], self.fields["id"]


class Strange(NamedTuple):
    """A message that is no record, or of a kind or version that this release does not know."""

    message: Message
    kind: str
    fault: str


@dataclass
class Batch:
    """What messages hold, in their order."""

    records: list[Stored] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)

    def behind(self, places: Mapping[tuple[str, int], int]) -> Batch:
        """The part at or behind these offsets, by topic and partition."""
        return Batch(
            [one for one in self.records if one.message.offset >= places[one.message[:2]]],
            [one for one in self.strange if one.message.offset >= places[one.message[:2]]],
        )

    def fresh(self, keys: set[tuple[str, str]]) -> list[Stored]:
        """The records with these keys, each once."""
        first: dict[tuple[str, str], Stored] = {}
        for one in self.records:
            first.setdefault(one.key, one)
        return [one for key, one in first.items() if key in keys]


class _Kind(msgspec.Struct):
    record: str = ""


def read(messages: Iterable[Message]) -> Batch:
    """Sort messages. A record that cannot be turned into series, though its bytes are right, counts as strange: nothing stops the job."""
    batch = Batch()
    for message in messages:
        value = message.value or b""
        if decode(value) is None:
            batch.strange.append(Strange(message, kind_of(value), fault_of(value) or "this release does not know its kind or version"))
            continue
        fields = msgspec.json.decode(value)
        try:
            batch.records.append(Stored(message, fields, points(fields)))
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            batch.strange.append(Strange(message, kind_of(value), f"{type(error).__name__}: {error}"[:200]))
    return batch


def kind_of(value: bytes) -> str:
    """What a message says that it is, fit for a table; empty where it says nothing."""
    try:
        return msgspec.json.decode(value, type=_Kind).record[:60].replace("\0", "?")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
