"""The same formats against a registry that others wrote; needs Docker and its image, and is skipped where they are not."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema
from wire_events import CONTRACT, GOOD

from streaming.contracts.registry_client import RegistryResolver, registry_client
from streaming.contracts.wire import Unwrapped, WireReader
from streaming.contracts.wire.names import registered_avro, registered_json
from streaming.contracts.wire.writer import Wire, writer
from streaming.settings import SchemaRegistry

IMAGE = "apicurio/apicurio-registry:3.0.6"  # keeps its schemas in memory, and speaks Confluent's API below /apis/ccompat/v7
READY_S = 120

pytestmark = pytest.mark.images


@pytest.fixture(scope="module")
def registry() -> Iterator[SchemaRegistry]:
    docker = pytest.importorskip("docker", reason="needs Docker's client")
    containers = pytest.importorskip("testcontainers.core.container", reason="needs testcontainers")
    try:
        docker.from_env().images.get(IMAGE)
    except docker.errors.DockerException as error:
        pytest.skip(f"needs Docker with the image {IMAGE}: {str(error)[:100]}")
    with containers.DockerContainer(IMAGE).with_exposed_ports(8080) as container:
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8080)}/apis/ccompat/v7"
        _wait(address)
        yield SchemaRegistry(url=address)


def _wait(address: str) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            with urllib.request.urlopen(f"{address}/subjects", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(1)


@pytest.mark.parametrize(
    ("wire", "schema"),
    [("confluent-json", Schema(registered_json(CONTRACT), "JSON")), ("confluent-avro", Schema(registered_avro(CONTRACT), "AVRO"))],
)
def test_events_whose_schema_is_registered_there_are_read(registry: SchemaRegistry, wire: Wire, schema: Any) -> None:
    topic = f"other-{wire}"
    registry_client(registry).register_schema(f"{topic}-value", schema)
    written = writer(wire, topic, CONTRACT, registry, "urn:crm")(GOOD)
    assert written.value is not None
    read = WireReader({1: CONTRACT}, RegistryResolver(registry)).read(written.value, {}, header=None, default=1)
    assert isinstance(read, Unwrapped)
    assert json.loads(read.payload) == json.loads(GOOD)


def test_an_id_that_is_not_there_is_unknown(registry: SchemaRegistry) -> None:
    assert RegistryResolver(registry).schema(2**31 - 1) is None
