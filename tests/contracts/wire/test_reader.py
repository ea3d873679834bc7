from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_events import CASES, CONTRACT, GOOD, Registered, message_of_case, registered

from streaming.contracts.reasons import RULES, Reason
from streaming.contracts.schema import parse_contract
from streaming.contracts.wire import Unwrapped, WireReader, WriterSchema
from streaming.contracts.wire.names import VersionNames, registered_avro, registered_json
from streaming.contracts.wire.reader import WIRE_HEADERS

READER = WireReader({1: CONTRACT}, registered())
MESSAGES = [message_of_case(case) for case in CASES]
NAMED = {"ce_id": b"1", "ce_source": b"urn:x", "ce_type": b"customer_activity"}


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
    frame, uri = b"\0\0\0\0\x32" + GOOD, {"ce_dataschema": b"urn:mine:two", "ce_specversion": b"1.0", **NAMED}
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
    wrong += ['{"title": ["customer_activity"], "x-version": 1}', '{"title": {}, "x-version": 1}', '{"name": [1], "version": 1}']
    wrong += ['{"name": "customer_activity", "version": "1"}', '{"name": "customer_activity", "version": [1]}', '{"$id": {}, "title": {}}']
    assert [names.of_schema(WriterSchema(kind, text)) for text in wrong for kind in ("AVRO", "JSON")] == [None] * 24


# Documents of any shape, most of them nearly a schema: what a stranger may register.
_LEAF = st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=3)
_TYPE_NAMES = st.sampled_from(
    [
        "null",
        "boolean",
        "int",
        "long",
        "float",
        "double",
        "bytes",
        "string",
        "record",
        "error",
        "enum",
        "fixed",
        "array",
        "map",
        "a",
        "r",
        "decimal",
    ]
)
_KEYS = st.sampled_from(
    ["type", "name", "namespace", "fields", "items", "values", "symbols", "size", "default", "aliases", "logicalType", "precision", "scale"]
    + ["title", "version", "x-version", "$id", "__fastavro_parsed", "__named_schemas"]
)


def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    field = st.fixed_dictionaries({"name": st.sampled_from("abc"), "type": inner})
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_KEYS, inner, max_size=5),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["record", "error"]), "name": st.sampled_from("ar"), "fields": st.lists(field, max_size=3)}
        ),
        st.fixed_dictionaries({"type": st.sampled_from(["array", "map"]), "items": inner, "values": inner}),
        st.fixed_dictionaries({"type": st.just("fixed"), "name": st.just("x"), "size": inner, "logicalType": inner, "precision": inner}),
        st.fixed_dictionaries({"type": st.just("enum"), "name": st.just("e"), "symbols": inner}),
    )


_DOCUMENTS = st.recursive(_LEAF | _TYPE_NAMES, _nodes, max_leaves=12)
_EVENTS = st.builds(
    lambda document, named: {**document, **named} if isinstance(document, dict) else document,
    _DOCUMENTS,
    st.sampled_from([{}, {"name": "customer_activity", "version": 1}, {"title": "customer_activity", "x-version": 1}])
    | st.fixed_dictionaries({"title": _DOCUMENTS, "x-version": st.just(1)})
    | st.fixed_dictionaries(
        {
            "type": st.just("record"),
            "name": st.just("r"),
            "fields": st.lists(st.fixed_dictionaries({"name": st.sampled_from("ab"), "type": _DOCUMENTS}), max_size=3),
        }
    ),
)


@given(
    document=_EVENTS,
    references=st.lists(_DOCUMENTS, max_size=1),
    kind=st.sampled_from(["AVRO", "AVRO", "JSON", "PROTOBUF", ""]),
    payload=st.binary(min_size=1, max_size=40),
    header=st.sampled_from([None, 1]),
)
@settings(max_examples=1000, deadline=None)
def test_any_document_as_a_registered_schema_gives_an_event_or_a_reason(
    document: Any, references: list[Any], kind: str, payload: bytes, header: int | None
) -> None:
    schema = WriterSchema(kind, json.dumps(document), tuple(json.dumps(reference) for reference in references))
    read = WireReader({1: CONTRACT}, Registered({7: schema})).read(b"\0\0\0\0\7" + payload, {}, header=header, default=1)
    assert isinstance(read, Unwrapped) or (isinstance(read, Reason) and read.rule in RULES and len(read.message) < 400)


def test_a_schema_that_names_no_version_says_what_it_lacks() -> None:
    read = WireReader({1: CONTRACT}, Registered({7: WriterSchema("JSON", "{}")})).read(b"\0\0\0\0\7{}", {}, header=None, default=1)
    assert isinstance(read, Reason)
    assert read.message == (
        "unknown_schema_version a schema that names a version of the event (JSON: $id, or title and x-version; Avro: name and version), "
        "or the header schema-version, found schema id 7"
    )


def test_faults_in_the_data_of_an_envelope_have_the_places_that_they_have_without_one() -> None:
    for bare in (
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": [{"b": "\\u0000"}]}',
        b'{"data": 1, "data": 2}',
        b"1e999",
        b'{"a": "\\ud800"}',
    ):
        envelope = b'{"specversion": "1.0", "id": "1", "source": "urn:x", "type": "t", "data": ' + bare + b"}"
        told = READER.read(envelope, {"content-type": b"application/cloudevents+json"}, header=1, default=1)
        assert told == CONTRACT.check(bare)[0]
