"""From a message of the rejected topic to the message that is sent again."""

from __future__ import annotations

import pytest
from rejected_message import RECEIVED_MS, rejected_message

from streaming.replay.mapping import Mapping
from streaming.replay.outgoing import outgoing
from streaming.replay.page import as_fields, page
from streaming.replay.rejection import Rejection, original_of, rejection_of

RULES = Mapping(cast={"tenure": "integer"})


def read(**changes: bytes | None) -> Rejection:
    found = rejection_of(rejected_message(**changes))
    assert found is not None
    return found


def test_a_message_tells_where_when_and_why() -> None:
    found = read()
    assert (found.address, found.place, found.received_ms, found.attempt) == (("events", 3, 41), (1, 7), RECEIVED_MS, 1)
    assert (found.reason, found.path, found.schema_version, found.producer) == ("type", "/tenure", "1", "crm-3")


def test_a_time_that_the_broker_did_not_take_is_read_from_its_header() -> None:
    assert read(scoring_timestamp=b"-62135596800001").received_ms == -62_135_596_800_001
    assert read(scoring_timestamp=b"yesterday").received_ms == RECEIVED_MS


@pytest.mark.parametrize("changed", [{"partition": None}, {"offset": b"x"}, {"scoring_attempt": b""}, {"scoring_reason": None}], ids=str)
def test_what_is_no_rejection_of_ours_is_passed_over(changed: dict[str, bytes | None]) -> None:
    assert rejection_of(rejected_message(**changed)) is None


def test_texts_of_headers_are_safe_to_show() -> None:
    assert read(exception_message=b"\x1b[2J\xff").message == "\\u001b[2J\ufffd"


def test_what_is_sent_again_is_what_was_sent_and_names_its_first_place() -> None:
    message = rejected_message(b'{"tenure":  "x"}')
    found = outgoing(read(scoring_attempt=b"2"), message, "run-1", RULES)
    assert (found.message.key, found.message.value, found.message.sent_ms, found.mapped) == (b"C1", b'{"tenure":  "x"}', RECEIVED_MS, False)
    assert [*found.message.headers] == [
        ("producer", b"crm-3"),
        ("trace", b"\xff"),
        ("scoring.headers", b"2"),
        ("scoring.replay.topic", b"events"),
        ("scoring.replay.partition", b"3"),
        ("scoring.replay.offset", b"41"),
        ("scoring.replay.timestamp", b"1767355200123"),
        ("scoring.replay.id", b"run-1"),
        ("scoring.attempt", b"3"),
    ]


def test_a_mapped_event_names_its_mapping() -> None:
    found = outgoing(read(), rejected_message(), "run-1", RULES)
    assert (found.message.value, found.mapped) == (b'{"tenure":12}', True)
    assert found.message.headers[-1] == ("scoring.replay.mapping", b'{"cast": {"tenure": "integer"}}')
    long = Mapping(cast={"tenure": "integer"}, default={f"field_{n}": 0 for n in range(100)})
    found = outgoing(read(), rejected_message(), "run-1", long)
    assert found.message.headers[-1] == ("scoring.replay.mapping", f"sha256:{long.digest}".encode())


def test_an_absurd_time_goes_in_its_header_alone() -> None:
    found = outgoing(read(scoring_timestamp=b"-5"), rejected_message(), "run-1", RULES).message
    assert found.sent_ms is None
    assert (dict(found.headers)["scoring.replay.timestamp"], dict(found.headers)["scoring.timestamp"]) == (b"-5", "-5")


def test_a_record_of_an_earlier_release_is_parted_by_the_names_of_its_headers() -> None:
    own = (("scoring.campaign", b"spring"), ("a", b"1"), ("a", None), ("scoring.replay.topic", b"old"))
    assert original_of(rejected_message(own=own)).headers == [*own[:3]]


def test_texts_that_many_rejections_share_are_held_once() -> None:
    one, other = read(), read()
    assert all(getattr(one, name) is getattr(other, name) for name in ("stage", "reason", "path", "message", "model", "producer"))
    assert not hasattr(one, "__dict__")


def test_the_mapping_is_applied_to_the_event_inside_its_frame() -> None:
    framed = b"\0\0\0\0\7"
    found = outgoing(read(), rejected_message(framed + b'{"tenure": "12"}'), "run-1", RULES)
    assert (found.message.value, found.mapped, found.readable) == (framed + b'{"tenure":12}', True, True)
    avro = outgoing(read(), rejected_message(framed + b"\x02\x04"), "run-1", RULES)
    assert (avro.message.value, avro.mapped, avro.readable) == (framed + b"\x02\x04", False, False)


def test_the_page_tells_each_attempt_and_what_was_sent_first() -> None:
    messages = [rejected_message(), rejected_message(b'{"tenure":12}', place=(1, 8), scoring_attempt=b"2")]
    told = page(messages, mended=True)
    assert "event      events/3/41, sent 2026-01-02T12:00:00.123000Z, from producer crm-3" in told
    assert 'value      {"tenure": "12"}\nas mapped  {"tenure":12}' in told
    assert "outcome    predicted since" in told
    assert [rejection["attempt"] for rejection in as_fields(messages, mended=True)["rejections"]] == [1, 2]
