from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from pydantic import SecretStr
from tests_support import a_plan
from wire_events import CONTRACT, GOOD, SCHEMAS

from streaming.contracts.checksums import publish
from streaming.contracts.published import PublishedSchemas
from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.schema import Contract, parse_contract
from streaming.contracts.wire import Unwrapped, WireReader
from streaming.contracts.wire.writer import WIRES, Wire, avro_record, writer
from streaming.errors import ConfigError, InvalidEvent, Unavailable
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.settings import NO_REGISTRY, SchemaRegistry
from streaming.steps.decode import Decode
from streaming.testing import raw_batch

API = SchemaApi(PublishedSchemas(SCHEMAS, topics={"t": "customer_activity"}))


@pytest.fixture(scope="module")
def server() -> Iterator[SchemaServer]:
    with SchemaServer(API) as running:
        yield running


@contextmanager
def _serving(contract: Contract) -> Iterator[SchemaServer]:
    """A registry that holds a contract as the version 2 of its event."""
    with TemporaryDirectory() as folder:
        for version, document in ((1, CONTRACT.document), (2, contract.document)):
            path = Path(folder) / contract.event / f"v{version}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(document))
        publish(Path(folder))
        with SchemaServer(SchemaApi(PublishedSchemas(Path(folder), topics={"t": contract.event}))) as server:
            yield server


def _headers(wire: Wire, contract: Contract = CONTRACT) -> dict[str, Any]:
    return dict(writer(wire, "t", contract, NO_REGISTRY, "urn:crm")(GOOD).headers)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("schema_id", ["prefix", "header"])
def test_what_is_written_is_read_as_the_event_it_was(server: SchemaServer, wire: Wire, schema_id: Any) -> None:
    registry = SchemaRegistry(url=server.url, schema_id=schema_id)
    written = writer(wire, "t", CONTRACT, registry, "urn:crm")(GOOD)
    reader = WireReader({1: CONTRACT}, RegistryResolver(registry))
    assert written.value is not None
    read = reader.read(written.value, dict(written.headers), header=None, default=1)  # type: ignore[arg-type]  # all are bytes
    assert isinstance(read, Unwrapped)
    assert (read.version, json.loads(read.payload)) == (1, json.loads(GOOD))


@pytest.mark.parametrize("wire", WIRES)
def test_an_event_is_judged_by_the_version_of_its_producer_and_not_the_deployments(wire: Wire) -> None:
    second = parse_contract({**CONTRACT.document, "$id": "urn:mine:2"}, "customer_activity", 2, "v2")
    nameless = parse_contract({k: v for k, v in CONTRACT.document.items() if k != "$id"}, "customer_activity", 2, "v2")
    for contract in (second, nameless):
        with _serving(contract) as server:
            registry = SchemaRegistry(url=server.url)
            written = writer(wire, "t", contract, registry, "urn:crm")(GOOD)
            reader = WireReader({1: CONTRACT, 2: contract}, RegistryResolver(registry))
            raw = raw_batch([written.value], headers=cast("Any", written.headers))
            decoded = Decode(reader)(raw, a_plan(schema_version=1))
        assert decoded.rows.column("schema_version").to_pylist() == [2]


def test_without_a_contract_the_deployments_version_applies() -> None:
    assert writer("json", "t", None, NO_REGISTRY, "urn:crm")(GOOD) == (GOOD, [])


def test_cloud_events_say_what_they_are() -> None:
    assert _headers("cloudevents-binary") == {
        "ce_specversion": b"1.0",
        "ce_id": b"0b8f6d0e-5a54-4d0c-9d4c-0a1b2c3d4e5f",
        "ce_source": b"urn:crm",
        "ce_type": b"customer_activity",
        "ce_time": b"2026-01-02T03:04:05.678901Z",
        "ce_dataschema": b"urn:streaming-scoring:customer_activity:1",
        "content-type": b"application/json",
    }
    assert _headers("cloudevents") == {"content-type": b"application/cloudevents+json"}
    written = writer("cloudevents", "t", CONTRACT, NO_REGISTRY, "urn:crm")(GOOD).value or b""
    assert GOOD in written  # the event's own text
    assert json.loads(written)["source"] == "urn:crm"


def test_an_event_without_an_id_is_named_by_whom_and_when() -> None:
    document = {name: value for name, value in CONTRACT.document.items() if name != "x-event-id"}
    nameless = parse_contract(document, "customer_activity", 1, "v1")
    assert _headers("cloudevents-binary", nameless)["ce_id"] == b"C-00001/2026-01-02T03:04:05.678901Z"


def test_what_a_format_needs_is_told_before_the_first_event() -> None:
    with pytest.raises(ConfigError, match="cloudevents: names the schema"):
        writer("cloudevents", "t", None, NO_REGISTRY, "urn:crm")
    with pytest.raises(ConfigError, match="confluent-json: needs a schema registry"):
        writer("confluent-json", "t", CONTRACT, NO_REGISTRY, "urn:crm")


def test_refused_credentials_are_no_fault_of_the_event() -> None:
    with SchemaServer(API, authorization="Bearer right") as server:
        write = writer("confluent-avro", "t", CONTRACT, SchemaRegistry(url=server.url, token=SecretStr("wrong")), "urn:crm")
        with pytest.raises(Unavailable, match="401, Unauthorized; see .schema_registry"):
            write(GOOD)


def test_an_invalid_event_is_no_avro_record() -> None:
    with pytest.raises(InvalidEvent, match="/tenure: minimum 0, found -1"):
        avro_record(GOOD.replace(b'"tenure": 1', b'"tenure": -1'), CONTRACT)
