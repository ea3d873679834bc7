"""A task whose events name their schema by an id, with a registry that goes and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Timer

import pytest
from churn_model import NOW, churn_model, churn_plan
from test_pipeline import Task, event
from wire_events import SCHEMAS

from streaming.config import SchemaRegistry
from streaming.contracts.published import PublishedSchemas
from streaming.contracts.registry_client import RegistryResolver
from streaming.pipeline import Delivery, TaskRun
from streaming.schema_api import SchemaApi
from streaming.schema_server import SchemaServer
from streaming.testing import raw_batch


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
    good = [b"\0\0\0\0\1" + json.dumps(event(n)).encode() for n in range(5)]
    batch = raw_batch([*good, json.dumps(event(9)), b"\0\0\0\0\x63{}", b"\0\0"], key=b"k", received_at=NOW)
    begin = Timer(1, server.__enter__)
    begin.start()
    tally, rows = TaskRun(delivery, churn_plan(), churn_model()).take(batch)
    begin.join()
    assert tally.waited_s > 0
    assert (tally.events, tally.scored, rows.num_rows) == (8, 6, 6)
    assert tally.rejected_by_reason == {"unknown_schema_id": 1, "wire_format": 1}
    assert [row["value"] for row in task.rejected.rows] == [b"\0\0\0\0\x63{}", b"\0\0"]
