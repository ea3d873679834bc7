"""Every format through a real broker: what EventProducer and Confluent's serializers write is what the steps read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # the package re-exports it, its types do not
from tests_support import a_plan
from wire_events import CASES, CONTRACT, GOOD, SCHEMAS, message_of_case, registered

from streaming.contracts.published import PublishedSchemas
from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.wire import Resolver, WireReader
from streaming.contracts.wire.writer import WIRES, Wire
from streaming.errors import ConfigError, ContractError, Unavailable
from streaming.producer import EventProducer
from streaming.records import RAW, REJECTED
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.settings import NO_REGISTRY, SchemaRegistry
from streaming.steps.decode import Decode
from streaming.steps.validate import Validate

pytestmark = pytest.mark.integration
EVENT = json.loads(GOOD)


@pytest.fixture
def topic(services: Any) -> str:
    """A topic of one partition."""
    name = f"wire-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": services.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    return name


@pytest.fixture
def server(topic: str) -> Iterator[SchemaServer]:
    with SchemaServer(_api(topic)) as running:
        yield running


def _api(topic: str) -> SchemaApi:
    return SchemaApi(PublishedSchemas(SCHEMAS, topics={topic: "customer_activity"}))


def _consumed(bootstrap: str, topic: str, count: int) -> pa.RecordBatch:
    """So many messages of a topic as the type RAW."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid4().hex, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found = [message for _ in range(count) for message in consumer.consume(1, timeout=30)]
    consumer.close()
    rows = [
        {
            "key": message.key(),
            "value": message.value(),
            "headers": [{"key": name, "value": value} for name, value in message.headers() or []],
            "source_topic": topic,
            "source_partition": message.partition(),
            "source_offset": message.offset(),
            "received_at": datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        }
        for message in found
    ]
    assert len(rows) == count
    return pa.RecordBatch.from_pylist(rows, schema=RAW)


def _read(batch: pa.RecordBatch, resolver: Resolver | None) -> tuple[pa.RecordBatch, pa.Table]:
    plan = a_plan()
    decoded = Decode(WireReader({1: CONTRACT}, resolver))(batch, plan)
    validated = Validate({1: CONTRACT})(decoded.rows, plan)
    return validated.rows, pa.Table.from_batches([decoded.rejected, validated.rejected], schema=REJECTED).sort_by("source_offset")


def _events(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    return rows.select([name for name in rows.schema.names if name.startswith("event.")]).to_pylist()


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("subject", "schema_id"), [("topic", "prefix"), ("record", "header"), ("topic_record", "prefix")])
def test_every_format_arrives_as_the_same_event(
    services: Any, topic: str, server: SchemaServer, wire: Wire, subject: Any, schema_id: Any
) -> None:
    registry = SchemaRegistry(url=server.url, subject=subject, schema_id=schema_id)
    sent = [{**EVENT, "event_id": str(uuid4()), "tenure": n, "total_charges": None if n % 2 else 1 / 3} for n in range(20)]
    with EventProducer(services.bootstrap, topic, CONTRACT, wire=wire, registry=registry) as producer:
        for event in sent:
            producer.send(event)
    rows, rejected = _read(_consumed(services.bootstrap, topic, 20), RegistryResolver(registry))
    expected = CONTRACT.decode(pa.array([json.dumps(event).encode() for event in sent])).rows
    assert rejected.num_rows == 0
    assert _events(rows) == expected.to_pylist()
    assert set(rows.column("key").to_pylist()) == {b"C-00001"}
    framed = rows.column("value")[0].as_py()[0] == 0
    assert framed == (wire.startswith("confluent") and schema_id == "prefix")


def test_a_registry_that_restarts_midway_costs_no_event(services: Any, topic: str) -> None:
    with SchemaServer(_api(topic)) as server:
        registry = SchemaRegistry(url=server.url)
        for wire in ("confluent-json", "confluent-avro"):
            with EventProducer(services.bootstrap, topic, CONTRACT, wire=wire, registry=registry) as producer:  # type: ignore[arg-type]
                producer.send(EVENT)
    batch, resolver = _consumed(services.bootstrap, topic, 2), RegistryResolver(registry)
    with pytest.raises(Unavailable, match="see .schema_registry. and wait"):
        _read(batch, resolver)
    with SchemaServer(_api(topic), port=int(registry.url.rpartition(":")[2])):
        rows, rejected = _read(batch, resolver)
    assert (rows.num_rows, rejected.num_rows) == (2, 0)
    again, _ = _read(batch, resolver)  # away again, and what is known stays known
    assert again.equals(rows)


def test_a_producer_whose_registry_is_away_sends_nothing_and_says_so(services: Any, topic: str) -> None:
    with pytest.raises(ConfigError, match="set url in .schema_registry"):
        EventProducer(services.bootstrap, topic, CONTRACT, wire="confluent-avro", registry=NO_REGISTRY)
    with pytest.raises(ConfigError, match="give the producer a contract"):
        EventProducer(services.bootstrap, topic, wire="cloudevents")
    producer = EventProducer(services.bootstrap, topic, CONTRACT, wire="confluent-avro", registry=SchemaRegistry(url="http://127.0.0.1:1"))
    with pytest.raises(Unavailable, match="ConnectError"):
        producer.send(EVENT)
    with SchemaServer(SchemaApi(PublishedSchemas(SCHEMAS, topics={}))) as server:
        producer = EventProducer(services.bootstrap, topic, CONTRACT, wire="confluent-json", registry=SchemaRegistry(url=server.url))
        with pytest.raises(ContractError, match=f"customer_activity v1 of topic {topic}: 404.*register the schema first"):
            producer.send(EVENT)
    producer.flush(5)


def test_the_corpus_through_the_broker(services: Any, topic: str) -> None:
    producer = Producer({"bootstrap.servers": services.bootstrap})
    for value, headers in map(message_of_case, CASES):
        producer.produce(topic, value, headers=list(headers))
    assert producer.flush(30) == 0
    rows, rejected = _read(_consumed(services.bootstrap, topic, len(CASES)), registered())
    assert rejected.column("reason").to_pylist() == [case["reason"] for case in CASES if case["reason"]]
    assert rows.num_rows == sum(not case["reason"] for case in CASES)
