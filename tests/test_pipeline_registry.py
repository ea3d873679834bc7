"""A task whose events name their schema by an id, with a registry that goes and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Timer

import msgspec
import pyarrow as pa
import pytest
from churn_model import NOW, churn_model, churn_plan
from test_pipeline import SCHEMA, Task, event
from wire_events import CONTRACT, IDS, SCHEMAS, registered

from streaming.contracts.published import PublishedSchemas
from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.wire import WriterSchema
from streaming.contracts.wire.names import registered_json
from streaming.delivery import Delivery
from streaming.models.plan import Plan
from streaming.pipeline import TaskRun
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.settings import SchemaRegistry
from streaming.testing import raw_batch


def planned(*unknown_ids: str) -> Plan:
    return msgspec.structs.replace(churn_plan(), unknown_ids=unknown_ids)


@pytest.fixture
def server() -> Iterator[SchemaServer]:
    """A server that the test starts when it wants to."""
    server = SchemaServer(SchemaApi(PublishedSchemas(SCHEMAS, topics={})))
    yield server
    server.stop()


def test_events_wait_for_the_registry_and_none_is_rejected_for_it(server: SchemaServer) -> None:
    """Connections are taken from the start, but answered only after longer than the client waits."""
    task = Task()
    resolver = RegistryResolver(SchemaRegistry(url=server.url, timeout_s=0.2))
    delivery = Delivery(task._delivery.to, task.store, task.rejected, resolver)
    good = [b"\0" + IDS["JSON"].to_bytes(4, "big") + json.dumps(event(n)).encode() for n in range(5)]
    batch = raw_batch([*good, json.dumps(event(9)), b"\0\0\0\0\x63{}", b"\0\0"], key=b"k", received_at=NOW)
    begin = Timer(1, server.__enter__)
    begin.start()
    tally, rows = TaskRun(delivery, planned("99"), churn_model()).take(batch)
    begin.join()
    assert tally.waited_s > 0
    assert (tally.events, tally.scored, rows.num_rows) == (8, 6, 6)
    assert tally.rejected_by_reason == {"unknown_schema_id": 1, "wire_format": 1}
    assert [row["value"] for row in task.rejected.rows] == [b"\0\0\0\0\x63{}", b"\0\0"]


FRAME = b"\0\0\0\0\x63"


def framed(*numbers: int) -> pa.RecordBatch:
    """Framed events with schema id 99, after a plain one."""
    values = [json.dumps(event(50)).encode(), *(FRAME + json.dumps(event(n)).encode() for n in numbers)]
    return raw_batch(values, key=b"k", received_at=NOW)


def test_what_the_registry_does_not_know_is_decided_by_a_plan_and_not_by_the_moment() -> None:
    registry = registered()
    task = Task()
    delivery = Delivery(task._delivery.to, task.store, task.rejected, registry)
    tally = TaskRun(delivery, planned(), churn_model()).take_all(iter([framed(1), framed(2, 3)]), 0)
    assert (tally.undecided, tally.events, tally.scored, tally.rejected) == (["99"], 5, 0, 0)
    assert (task.store.history, task.rejected.rows) == ([], []), "nothing is delivered before it is decided"

    registry.schemas[99] = WriterSchema("JSON", registered_json(CONTRACT))
    decided = TaskRun(delivery, planned("99"), churn_model()).take(framed(1))[0]
    assert (decided.undecided, decided.scored, decided.rejected_by_reason) == ([], 1, {"unknown_schema_id": 1})
    again = TaskRun(delivery, planned("99"), churn_model()).take(framed(1))[0]
    assert (again.scored, again.rejected_by_reason) == (1, {"unknown_schema_id": 1}), "though it is known by now"
    later = TaskRun(delivery, planned(), churn_model()).take(framed(7))[0]
    assert (later.undecided, later.rejected) == ([], 0)


def test_only_the_contracts_that_the_plan_names_are_held() -> None:
    task = Task()
    to = msgspec.structs.replace(task._delivery.to, contracts=tuple((version, SCHEMA.read_text()) for version in (1, 2)))
    newer = raw_batch([event(1)], key=b"k", received_at=NOW, headers=[("schema-version", b"2")])
    for contracts, found in (({}, {}), ({"1": "a", "2": "b"}, {}), ({"1": "a"}, {"unknown_schema_version": 1})):
        plan = msgspec.structs.replace(churn_plan(), contracts=contracts)
        run = TaskRun(Delivery(to, task.store, task.rejected), plan, churn_model())
        assert run.take(newer)[0].rejected_by_reason == found
