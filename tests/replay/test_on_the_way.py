"""What lies on the replay topic without an outcome is known by its address and its attempt."""

from __future__ import annotations

import pytest
from confluent_kafka import Message

from streaming.replay.on_the_way import waiting


def message(attempt: bytes = b"3", offset: bytes = b"41", own: tuple[tuple[str, bytes], ...] = ()) -> Message:
    place = {"topic": b"events", "partition": b"0", "offset": offset}
    ours = [(f"scoring.replay.{name}", text) for name, text in place.items()]
    headers = [*own, ("scoring.headers", str(len(own)).encode()), *ours, ("scoring.attempt", attempt)]
    return Message("events.replay", 0, 5, b"k", b"{}", headers)


@pytest.mark.parametrize(("attempts", "found"), [({("events", 0, 41): 2}, True), ({("events", 0, 41): 3}, False), ({}, False)], ids=str)
def test_an_attempt_above_the_last_rejections_waits(attempts: dict[tuple[str, int, int], int], found: bool) -> None:
    assert waiting(message(), attempts) == (("events", 0, 41) if found else None)


@pytest.mark.parametrize("changed", [{"attempt": b""}, {"offset": b"x"}, {"attempt": b"9" * 20}], ids=str)
def test_what_is_no_replayed_event_waits_for_nothing(changed: dict[str, bytes]) -> None:
    assert waiting(message(**changed), {("events", 0, 41): 2}) is None


def test_an_events_own_headers_do_not_say_where_it_came_from() -> None:
    own = (("scoring.replay.offset", b"7"), ("scoring.attempt", b"99"))
    assert waiting(message(own=own), {("events", 0, 41): 2}) == ("events", 0, 41)
