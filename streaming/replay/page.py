"""One rejected event in full, as text that is safe in a terminal, whatever its producer sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Message

from streaming.contracts.reasons import printable
from streaming.errors import ConfigError
from streaming.kafka.topic_span import read, span_of
from streaming.replay.groups import instant
from streaming.replay.rejection import Address, headers_of, original_of, rejection_of
from streaming.settings import Settings


def address_of(text: str, event_topic: str) -> Address:
    """An address as it is written: topic/partition/offset, or partition/offset of the event topic. Raises ConfigError.

    >>> address_of("3/41", "activity")
    ('activity', 3, 41)
    """
    *topic, partition, offset = ["", "", *text.split("/")][-max(3, text.count("/") + 1) :]
    if not (partition.isdecimal() and offset.isdecimal()):
        raise ConfigError(f"{text!r} is no address; expected topic/partition/offset, as `scoring rejected list` shows them")
    return "/".join(topic).strip("/") or event_topic, int(partition), int(offset)


def told_of(settings: Settings, address: Address) -> list[Message]:
    """Every message of the rejected topic about an event, by attempt. Raises Unavailable, ConfigError if there is none."""
    topic = settings.topics.of("rejected")
    messages = read(settings.kafka, topic, span_of(settings.kafka, topic))
    found = {told.attempt: message for message in messages if (told := rejection_of(message)) is not None and told.address == address}
    if not found:
        place = "/".join(map(str, address))
        raise ConfigError(f"no rejection of {place} on topic {topic}; `scoring rejected list` shows an example of each group")
    return [found[attempt] for attempt in sorted(found)]


def page(messages: Sequence[Message], *, mended: bool) -> str:
    """The event and each of its rejections, many lines. messages: as `told_of` gives them."""
    facts = as_fields(messages, mended=mended)
    lines = [f"event      {facts['address']}, sent {facts['received_at']}, from producer {facts['producer']}"]
    lines.append(f"outcome    {'predicted since' if mended else 'rejected'}")
    lines += [
        f"attempt {told['attempt']:<2} {told['stage']}: {told['message']} (schema v{told['schema_version']}, model {told['model']})"
        for told in facts["rejections"]
    ]
    original = original_of(messages[0])
    lines.append(f"key        {escaped(original.key)}")
    lines += [f"header     {printable(name)}: {escaped(_bytes(value))}" for name, value in original.headers]
    lines.append(f"value      {escaped(original.value)}")
    if messages[-1].value() != original.value:
        lines.append(f"as mapped  {escaped(messages[-1].value())}")
    return "\n".join(lines)


def as_fields(messages: Sequence[Message], *, mended: bool) -> dict[str, Any]:
    """The same for a program: bytes are base64; all that the last rejection's headers say stands under `headers`."""
    told = [rejection for message in messages if (rejection := rejection_of(message)) is not None]
    original = original_of(messages[0])
    names = ("attempt", "stage", "reason", "path", "message", "schema_version", "model")
    return {
        "address": "/".join(map(str, told[0].address)),
        "received_at": instant(told[0].received_ms),
        "producer": told[0].producer,
        "mended": mended,
        "rejections": [{name: getattr(rejection, name) for name in names} for rejection in told],
        "key": _base64(original.key),
        "value": _base64(original.value),
        "headers": [[name, _base64(value)] for name, value in headers_of(messages[-1])],
    }


def escaped(value: bytes | None) -> str:
    r"""Bytes as one line of text: what is no UTF-8, and what a terminal would act upon, is escaped.

    >>> escaped(bytes([27, 91, 255]) + "ü".encode())
    '\\u001b[\\xffü'
    """
    return "(null)" if value is None else printable(value.decode("utf-8", "backslashreplace"))


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _base64(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()
