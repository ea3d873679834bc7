from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_events import CASES, CONTRACT, GOOD, message_of_case, registered

from streaming.contracts.reasons import RULES, Reason
from streaming.contracts.schema import parse_contract
from streaming.contracts.wire import Unwrapped, WireReader, WriterSchema
from streaming.contracts.wire.names import VersionNames, registered_avro, registered_json
from streaming.contracts.wire.reader import WIRE_HEADERS

READER = WireReader({1: CONTRACT}, registered())
MESSAGES = [message_of_case(case) for case in CASES]


@given(
    value=st.binary(min_size=1, max_size=300) | st.sampled_from([value for value, _ in MESSAGES]),
    headers=st.dictionaries(
        st.sampled_from(sorted(WIRE_HEADERS)), st.binary(max_size=40) | st.sampled_from([b"application/cloudevents+json", b"1.0"])
    ),
    header=st.none() | st.integers(0, 3),
)
@settings(max_examples=500, deadline=None)
def test_any_message_is_an_event_or_a_reason(value: bytes, headers: dict[str, bytes], header: int | None) -> None:
    read = READER.read(value, headers, header=header, default=1)
    assert isinstance(read, Unwrapped) or (isinstance(read, Reason) and read.rule in RULES and len(read.message) < 400)


def test_changed_messages_of_the_corpus_are_events_or_reasons() -> None:
    rng, kinds = random.Random(2), set()
    for _ in range(3000):
        value, headers = MESSAGES[rng.randrange(len(MESSAGES))]
        changed = bytearray(value)
        changed[rng.randrange(len(changed))] = rng.randrange(256)
        kinds.add(type(READER.read(bytes(changed), dict(headers), header=None, default=1)))
    assert kinds == {Unwrapped, Reason}


def test_which_version_applies_header_then_dataschema_then_id_then_default() -> None:
    two = parse_contract({**CONTRACT.document, "$id": "urn:mine:two"}, "customer_activity", 2, "v2")
    three = parse_contract({**CONTRACT.document, "$id": "urn:mine:three"}, "customer_activity", 3, "v3")
    schemas = registered()
    schemas.schemas[50] = WriterSchema("JSON", registered_json(three))
    reader = WireReader({1: CONTRACT, 2: two, 3: three}, schemas)
    frame, uri = b"\0\0\0\0\x32" + GOOD, {"ce_dataschema": b"urn:mine:two", "ce_specversion": b"1.0"}
    versions = [
        read.version
        for read in (
            reader.read(frame, uri, header=1, default=9),
            reader.read(frame, uri, header=None, default=9),
            reader.read(frame, {}, header=None, default=9),
            reader.read(GOOD, {}, header=None, default=9),
        )
        if isinstance(read, Unwrapped)
    ]
    assert versions == [1, 2, 3, 9]


def test_names_of_versions() -> None:
    names = VersionNames({1: CONTRACT})
    assert names.of_uri("urn:streaming-scoring:customer_activity:1") == 1
    assert names.of_uri("urn:streaming-scoring:customer_activity:1#") == 1
    assert [names.of_uri(uri) for uri in ("", "urn:streaming-scoring:customer_activity:01", "1", "urn:streaming-scoring:alert:1")] == [
        None
    ] * 4
    assert names.of_schema(WriterSchema("JSON", registered_json(CONTRACT))) == 1
    assert names.of_schema(WriterSchema("AVRO", registered_avro(CONTRACT))) == 1
    wrong = ["[" * 100_000, "[]", "{}", '"x"', '{"name": "alert", "version": 1}', '{"name": "customer_activity", "version": true}']
    wrong += ['{"name": "customer_activity", "version": "1"}', '{"name": "customer_activity", "version": [1]}', '{"$id": {}, "title": {}}']
    assert [names.of_schema(WriterSchema(kind, text)) for text in wrong for kind in ("AVRO", "JSON")] == [None] * 18
