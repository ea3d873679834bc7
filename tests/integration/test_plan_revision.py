"""A plan that cannot be carried out is revised: its version is gone from the registry, or a schema id turns out to be unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from events import good
from mlflow.tracking import MlflowClient
from service import REPOSITORY, Starter, metrics, produce, reasons, select, wait_until

from streaming.config import load_settings
from streaming.contracts.published import PublishedSchemas
from streaming.kafka.topics import create_topics
from streaming.local.table import train_table
from streaming.local.telco import DEFAULT_DATA
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.sinks.migrate import migrate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture
def schemas() -> Iterator[SchemaServer]:
    """A schema registry that serves the published schemas."""
    with SchemaServer(SchemaApi(PublishedSchemas(REPOSITORY / "schemas", topics={}))) as server:
        yield server


def test_a_version_that_is_gone_and_a_schema_id_that_is_unknown(
    settings_file: Path, start: Starter, services: Any, schemas: SchemaServer
) -> None:
    settings_file.write_text(settings_file.read_text() + f'\n[schema_registry]\nurl = "{schemas.url}"\n')
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    train_table(settings, DEFAULT_DATA, check=False)
    job = start().wait_ready()
    checkpoint = Path(settings.stream.checkpoint)
    plans = checkpoint / "plans"
    wait_until("the first batch, which Spark begins without an event, is done", (checkpoint / "commits" / "0").exists)
    services.stop_postgres()
    sent = produce(settings, good(30))
    wait_until("the batch is planned and waits for the store", lambda: "sink_away" in job.log.read_text())
    job.kill()
    services.start_postgres()
    train_table(settings, DEFAULT_DATA, check=False)
    MlflowClient(settings.registry.tracking_uri).delete_model_version("churn", "1")
    job = start().wait_ready()
    query = "SELECT source_partition, source_offset, model_version, plan_id FROM prediction"
    wait_until("everything is scored", lambda: len(select(settings, query)) == len(sent))
    revised = {json.loads(path.read_text())["plan_id"] for path in plans.glob("*.r1")}
    known = {path.name for path in plans.glob("*.r[0-9]")}
    assert revised, "the revision is recorded beside the plan"
    rows = select(settings, query)
    assert {(row[0], row[1]) for row in rows} == set(sent)
    assert {row[2] for row in rows} == {"2"}
    assert revised <= {row[3] for row in rows}
    assert "plan_revised" in job.log.read_text()

    (refused,) = produce(settings, [{"value": b"\0\0\0\0\x63{}"}])
    wait_until("the event with an unknown schema id is rejected", lambda: reasons(settings) == {refused: "unknown_schema_id"})
    wait_until("its batch is recorded", lambda: sum(record.rejected for record in metrics(settings)) == 1)
    assert [json.loads(path.read_text())["unknown_ids"] for path in plans.glob("*.r[0-9]") if path.name not in known] == [["99"]]
    assert sum(record.events for record in metrics(settings)) == len(sent) + 1
    assert job.terminate() == 0
