"""A mapping reaches the event inside its message, and leaves what stands around it."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from streaming.replay.enclosed import mapped
from streaming.replay.mapping import Mapping

RULES = Mapping(rename={"id": "customer_id"}, cast={"tenure": "integer"}, default={"source": "crm"})
EVENT, AFTER = b'{"id": "c1", "tenure": "12"}', b'{"customer_id":"c1","tenure":12,"source":"crm"}'
ENVELOPE = {"specversion": "1.0", "id": "e-1", "source": "/crm", "type": "activity", "tenure": "5"}
STRUCTURED = {"content-type": b"application/cloudevents+json; charset=utf-8"}


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\0\7", b"\1" + bytes(16)], ids=["bare", "id", "guid"])
def test_the_frame_stays_and_what_is_behind_it_is_mapped(frame: bytes) -> None:
    assert mapped(frame + EVENT, {}, RULES) == (frame + AFTER, True)


def test_with_the_schema_id_in_a_header_the_whole_value_is_the_event() -> None:
    assert mapped(EVENT, {"__value_schema_id": b"\0\0\0\0\7"}, RULES) == (AFTER, True)


def test_of_a_structured_cloud_event_the_data_is_mapped_and_not_the_envelope() -> None:
    value = json.dumps(ENVELOPE)[:-1].encode() + b', "data": ' + EVENT + b', "extra": 1.10}'
    found = mapped(value, STRUCTURED, RULES)
    assert found.readable
    assert json.loads(found.value or b"") == ENVELOPE | {"data": json.loads(AFTER), "extra": 1.1}
    assert b'"extra":1.10' in (found.value or b"")


def test_data_in_base64_is_mapped_in_base64() -> None:
    value = json.dumps(ENVELOPE | {"data_base64": b64encode(EVENT).decode()}).encode()
    found = mapped(value, STRUCTURED, RULES)
    assert json.loads(found.value or b"") == ENVELOPE | {"data_base64": b64encode(AFTER).decode()}


@pytest.mark.parametrize(
    ("value", "headers"),
    [(None, {}), (b"", {}), (b"\0\0\0\0\7\2\4", {}), (b"\0\0", {}), (b"\2\4", {"__value_schema_id": b"\0\0\0\0\7"}), (b"{", {}),
     (b'{"data": 1}', STRUCTURED), (EVENT, {"content-type": b"application/cloudevents+avro"})],
    ids=["null", "empty", "avro", "short frame", "avro, id in a header", "broken", "no cloud event", "avro cloud event"],
)  # fmt: skip
def test_what_holds_no_json_object_stays_and_is_told(value: bytes | None, headers: dict[str, bytes]) -> None:
    assert mapped(value, headers, RULES) == (value, False)


def test_without_rules_nothing_is_looked_at() -> None:
    assert mapped(b"\0\0\0\0\7\2\4", {}, Mapping()) == (b"\0\0\0\0\7\2\4", True)


def test_a_message_that_no_rule_changes_keeps_every_byte() -> None:
    value = json.dumps(ENVELOPE, indent=1).encode()[:-1] + b', "data": {"tenure":  12, "source": "x"}}'
    assert mapped(value, STRUCTURED, RULES) == (value, True)
