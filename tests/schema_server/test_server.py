"""The registry as Confluent's own client and serializers see it, and as strangers on the network do."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, SchemaRegistryError, ServerConfig
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from wire_events import CONTRACT, GOOD, IDS, SCHEMAS

from streaming.contracts.checksums import publish
from streaming.contracts.published import PublishedSchemas
from streaming.contracts.wire.names import registered_avro, registered_json
from streaming.contracts.wire.writer import avro_record
from streaming.errors import ContractError, ServiceError
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import MOST_BODY_BYTES, SchemaServer

TOPIC = "activity"
VALUE = SerializationContext(TOPIC, MessageField.VALUE)
JSON_ID, AVRO_ID = IDS["JSON"], IDS["AVRO"]
JSON, AVRO = Schema(registered_json(CONTRACT), "JSON"), Schema(registered_avro(CONTRACT), "AVRO")

API = SchemaApi(PublishedSchemas(SCHEMAS, topics={TOPIC: "customer_activity"}))


@pytest.fixture(scope="module")
def server() -> Iterator[SchemaServer]:
    """The schemas of this repository; the topic `activity` holds customer_activity."""
    with SchemaServer(API) as running:
        yield running


@pytest.fixture
def client(server: SchemaServer) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": server.url, "max.retries": 0})


def _status(
    server: SchemaServer, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


@pytest.mark.parametrize("latest", [True, False], ids=["use.latest.version", "lookup"])
def test_json_serializer_and_deserializer_work_with_it(client: SchemaRegistryClient, latest: bool) -> None:
    event = json.loads(GOOD)
    conf = {"auto.register.schemas": False, "use.latest.version": latest}
    written = JSONSerializer(JSON, client, conf=conf)(event, VALUE)
    assert written is not None and written[:5] == b"\0" + JSON_ID.to_bytes(4, "big")
    assert JSONDeserializer(None, schema_registry_client=client)(written, VALUE) == event


@pytest.mark.parametrize("latest", [True, False], ids=["use.latest.version", "lookup"])
def test_avro_serializer_and_deserializer_work_with_it(latest: bool) -> None:
    schemas = PublishedSchemas(SCHEMAS, topics={TOPIC: "customer_activity"}, topic_kind="AVRO")
    with SchemaServer(SchemaApi(schemas)) as server:
        client = SchemaRegistryClient({"url": server.url, "max.retries": 0})
        conf = {"auto.register.schemas": False, "use.latest.version": latest}
        record = avro_record(GOOD, CONTRACT)
        written = AvroSerializer(client, AVRO, conf=conf)(record, VALUE)
        assert written is not None and written[:5] == b"\0" + AVRO_ID.to_bytes(4, "big")
        read: Any = AvroDeserializer(client)(written, VALUE)
        assert {**read, "event_id": str(read["event_id"])} == record


def test_serializers_that_register_get_the_id_of_what_is_published(client: SchemaRegistryClient) -> None:
    assert JSONSerializer(JSON, client)(json.loads(GOOD), VALUE)[:5] == b"\0" + JSON_ID.to_bytes(4, "big")  # type: ignore[index]
    with pytest.raises(SchemaRegistryError, match="read-only") as told:
        client.register_schema(f"{TOPIC}-value", Schema('{"type": "string"}', "AVRO"))
    assert (told.value.http_status_code, told.value.error_code) == (405, 42205)


def test_what_is_there(client: SchemaRegistryClient) -> None:
    record, full = "customer_activity", "streaming_scoring.customer_activity"
    topics = [f"{topic}-{name}" for topic in (TOPIC, record) for name in (record, full, "value")]
    assert client.get_subjects() == sorted([record, full, *topics])
    assert client.get_schema_types() == ["JSON", "AVRO"]
    assert client.get_versions(f"{TOPIC}-value") == [1]
    latest = client.get_latest_version(record)
    assert (latest.schema_id, latest.version, latest.schema) == (JSON_ID, 1, JSON)
    assert client.get_version(full, 1).schema == AVRO
    assert (client.get_schema(JSON_ID), client.get_schema(AVRO_ID)) == (JSON, AVRO)
    found = client.lookup_schema(f"{TOPIC}-value", AVRO)
    assert (found.schema_id, found.version) == (AVRO_ID, 1)
    assert client.get_schema_by_guid(str(found.guid)) == AVRO
    assert {v.subject for v in client.get_schema_versions(JSON_ID)} == {
        record,
        *(f"{t}-{n}" for t in (TOPIC, record) for n in (record, "value")),
    }
    assert client.get_subjects_by_schema_id(AVRO_ID) == sorted([full, *(f"{t}-{n}" for t in (TOPIC, record) for n in (full, "value"))])
    assert client.get_compatibility() == "BACKWARD"
    assert client.get_config(f"{TOPIC}-value") == ServerConfig(compatibility_level=ConfigCompatibilityLevel.BACKWARD)
    assert (client.get_global_mode(), client.get_mode("x")) == ("READONLY", "READONLY")
    assert client.get_contexts() == ["."]
    assert client.get_referenced_by(record, 1) == []


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (lambda c: c.get_schema(99), 404, 40403),
        (lambda c: c.get_schema_by_guid("x"), 404, 40403),
        (lambda c: c.get_latest_version("nobody-value"), 404, 40401),
        (lambda c: c.get_versions("alert"), 404, 40401),
        (lambda c: c.get_version("customer_activity", 9), 404, 40402),
        (lambda c: c.get_version("customer_activity", "x"), 422, 42202),
        (lambda c: c.lookup_schema("nobody", JSON), 404, 40401),
        (lambda c: c.lookup_schema("customer_activity", Schema('"string"', "AVRO")), 404, 40403),
        (lambda c: c.lookup_schema("customer_activity", Schema("{", "JSON")), 404, 40403),
        (lambda c: c.set_config("s", ServerConfig(compatibility_level=ConfigCompatibilityLevel.NONE)), 405, 42205),
        (lambda c: c.update_mode("s", "READWRITE"), 405, 42205),
        (lambda c: c.delete_subject("customer_activity"), 405, 42205),
        (lambda c: c.delete_version("customer_activity", 1), 405, 42205),
        (lambda c: c.test_compatibility("customer_activity", Schema("{", "JSON")), 422, 42201),
        (lambda c: c.test_compatibility("streaming_scoring.customer_activity", Schema('"string"', "AVRO")), 422, 42201),
        (lambda c: c.test_compatibility("streaming_scoring.customer_activity", Schema("{", "AVRO")), 422, 42201),
    ],
)
def test_errors_are_those_of_the_api(client: SchemaRegistryClient, ask: Any, status: int, code: int) -> None:
    with pytest.raises(SchemaRegistryError) as told:
        ask(client)
    assert (told.value.http_status_code, told.value.error_code) == (status, code)


def test_compatibility_is_the_contracts(server: SchemaServer, client: SchemaRegistryClient) -> None:
    def changed(**tenure: Any) -> Schema:
        document = json.loads(registered_json(CONTRACT))
        document["properties"]["tenure"] |= tenure
        return Schema(json.dumps(document), "JSON")

    assert client.test_compatibility(f"{TOPIC}-value", JSON)
    assert client.test_compatibility(f"{TOPIC}-value", changed(maximum=200))
    assert not client.test_compatibility(f"{TOPIC}-value", changed(maximum=100))
    assert not client.test_compatibility(f"{TOPIC}-value", AVRO)
    body = json.dumps({"schema": changed(maximum=100).schema_str, "schemaType": "JSON"})
    _, answer = _status(server, "POST", f"/compatibility/subjects/{TOPIC}-value/versions/latest?verbose=true", body)
    assert answer["is_compatible"] is False
    assert any("/tenure" in message for message in answer["messages"])


def test_compatibility_of_avro_schemas_is_that_of_their_records(server: SchemaServer, client: SchemaRegistryClient) -> None:
    subject, document = "streaming_scoring.customer_activity", json.loads(registered_avro(CONTRACT))

    def with_field(**words: Any) -> Schema:
        return Schema(
            json.dumps({**document, "version": 2, "fields": [*document["fields"], {"name": "age", "type": "long", **words}]}), "AVRO"
        )

    assert client.test_compatibility(subject, with_field(default=0))
    assert not client.test_compatibility(subject, with_field())
    body = json.dumps({"schema": with_field().schema_str})
    _, answer = _status(server, "POST", f"/compatibility/subjects/{subject}/versions/latest?verbose=true", body)
    assert answer == {"is_compatible": False, "messages": ["/age: is not written and has no default"]}


@pytest.mark.parametrize(
    "target", ["http://[x", "//[", "/subjects?" + "&".join("a=1" for _ in range(5)), "?", "", "\0", "/%ff", "/schemas/ids/1?x=%ff"]
)
def test_every_target_is_answered(target: str) -> None:
    for method in ("GET", "POST", "DELETE", "x"):
        assert 200 <= API.answer(method, target, b"{}").status < 500


def test_a_schema_changed_anywhere_to_anything_is_judged_or_called_invalid() -> None:
    rng, statuses = random.Random(3), set[int]()
    odd = [5, None, [], {}, "x", [1], {"a": 1}, True, {"$ref": "#"}, {"$ref": "#/$defs/x"}, {"$ref": "http://127.0.0.1:1/x"}]
    for kind, text in (("JSON", registered_json(CONTRACT)), ("AVRO", registered_avro(CONTRACT))):
        subject = "customer_activity" if kind == "JSON" else "streaming_scoring.customer_activity"
        for _ in range(300):
            schema = json.dumps(_changed(json.loads(text), rng, odd))
            body = json.dumps({"schema": schema, "schemaType": kind}).encode()
            answer = API.answer("POST", f"/compatibility/subjects/{subject}/versions/1", body)
            statuses.add(answer.status)
            assert "iterable" not in str(answer.body)
    assert statuses == {200, 422}


def _changed(document: Any, rng: random.Random, odd: list[Any]) -> Any:
    node = document
    while True:
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        if rng.random() < 0.4 or not isinstance(node[key], dict | list) or not node[key]:
            node[key] = rng.choice(odd)
            return document
        node = node[key]


def test_strange_requests_are_answered_and_the_next_one_is_too(server: SchemaServer) -> None:
    assert _status(server, "GET", "/nothing") == (404, {"error_code": 404, "message": "HTTP 404 Not Found"})
    assert _status(server, "POST", "/subjects/customer_activity", "{")[0] == 400
    assert _status(server, "POST", "/subjects/customer_activity", "[" * 100_000)[0] == 400
    assert [_status(server, "POST", "/subjects/customer_activity", body)[0] for body in ("[]", "{}", '{"schema": 1}')] == [422] * 3
    assert _status(server, "GET", "/subjects/%00%ff%2F..%2F/versions")[0] == 404
    assert [_status(server, "GET", f"/schemas/ids/{text}")[0] for text in ("-1", "1x", "%D9%A1", "9" * 5000)] == [404] * 4
    assert _status(server, "POST", "/subjects/x", "", {"Content-Length": str(MOST_BODY_BYTES + 1)})[0] == 413
    assert _status(server, "POST", "/subjects/x", "", {"Content-Length": "many"})[0] == 413
    assert _status(server, "HEAD", "/subjects") == (200, None)
    assert _status(server, "GET", f"/schemas/ids/{JSON_ID}")[0] == 200


def test_it_listens_on_loopback_and_says_so_where_the_port_is_taken(server: SchemaServer) -> None:
    port = int(server.url.rpartition(":")[2])
    assert server.url == f"http://127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    with pytest.raises(ServiceError, match="take another port with --port"):
        SchemaServer(SchemaApi(PublishedSchemas(SCHEMAS, topics={})), port=port)


def test_a_line_put_before_others_changes_no_id(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, folder)
    shutil.copytree(folder / "customer_activity", folder / "other")
    before = PublishedSchemas(folder, topics={}).by_id
    publish(folder, ["other/v1.json"])
    lines = (folder / "CHECKSUMS").read_text().splitlines()
    (folder / "CHECKSUMS").write_text("\n".join([lines[-1], *reversed(lines[:-1])]))
    after = PublishedSchemas(folder, topics={}).by_id
    assert {number: after[number] for number in before} == before
    assert {(schema.contract.event, schema.kind) for number, schema in after.items() if number not in before} == {
        ("other", "JSON"),
        ("other", "AVRO"),
    }


def test_ids_stay_when_more_is_published_and_drafts_are_not_served(tmp_path: Path) -> None:
    def schemas() -> dict[int, tuple[str, int]]:
        return {n: (s.kind, s.contract.version) for n, s in PublishedSchemas(tmp_path, topics={}).by_id.items()}

    folder = tmp_path / "customer_activity"
    folder.mkdir()
    text = (SCHEMAS / "customer_activity/v1.json").read_text()
    (folder / "v1.json").write_text(text)
    publish(tmp_path)
    before = schemas()
    assert sorted(before.values()) == [("AVRO", 1), ("JSON", 1)]
    (folder / "v2.json").write_text(text.replace('"maximum": 150', '"maximum": 200').replace("activity:1", "activity:2"))
    assert schemas() == before
    publish(tmp_path)
    after = schemas()
    assert {number: after[number] for number in before} == before
    assert sorted(after.values()) == [("AVRO", 1), ("AVRO", 2), ("JSON", 1), ("JSON", 2)]
    assert list(PublishedSchemas(tmp_path, topics={}).versions("customer_activity-value")) == [1, 2]
    with pytest.raises(ContractError, match="no published schema of nobody"):
        PublishedSchemas(tmp_path, topics={"t": "nobody"})
    (folder / "v1.json").write_text(text.replace('"maximum": 150', '"maximum": 151'))
    with pytest.raises(ContractError, match="published, and changed since"):
        schemas()
