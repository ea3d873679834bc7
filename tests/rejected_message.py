"""Messages of the rejected topic for the tests of a replay."""

from __future__ import annotations

from confluent_kafka import Message

RECEIVED_MS = 1_767_355_200_123


def rejected_message(
    value: bytes | None = b'{"tenure": "12"}',
    *,
    place: tuple[int, int] = (1, 7),
    own: tuple[tuple[str, bytes | None], ...] = (("producer", b"crm-3"), ("trace", b"\xff")),
    **changes: bytes | None,
) -> Message:
    """A rejected event as the sink writes it; changes: of a header of ours, its dots and dashes written as _; None leaves it out."""
    ours = {
        "__connect.errors.topic": b"events",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"41",
        "__connect.errors.stage": b"validate",
        "__connect.errors.exception.class.name": b"streaming.errors.InvalidEvent",
        "__connect.errors.exception.message": b'/tenure: type integer, found "12"',
        "scoring.reason": b"type",
        "scoring.path": b"/tenure",
        "scoring.schema.version": b"1",
        "scoring.model": b"churn/7",
        "scoring.job": b"score_events",
        "scoring.attempt": b"1",
        "scoring.timestamp": None,
    }
    named = {name: changes.get(name.removeprefix("__connect.errors.").replace(".", "_"), text) for name, text in ours.items()}
    headers = [*own, *((name, text) for name, text in named.items() if text is not None)]
    partition, offset = place
    return Message("events.rejected", partition, offset, b"C1", value, headers, timestamp=(1, RECEIVED_MS))
