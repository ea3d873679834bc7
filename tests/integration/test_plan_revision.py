"""A batch whose planned version is gone from the registry is scored by a recorded revision of its plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from events import good
from mlflow.tracking import MlflowClient
from service import Starter, produce, select, wait_until

from streaming.config import load_settings
from streaming.local.churn import train_churn
from streaming.local.telco import DEFAULT_DATA
from streaming.sinks.migrate import migrate
from streaming.topics import create_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_a_replay_whose_version_is_gone_goes_on_under_a_revision(settings_file: Path, start: Starter, services: Any) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    train_churn(settings, DEFAULT_DATA)
    job = start().wait_ready()
    services.stop_postgres()
    sent = produce(settings, good(30))
    plans = Path(settings.stream.checkpoint) / "plans"
    wait_until("the batch is planned and waits for the store", lambda: "sink_away" in job.log.read_text())
    job.kill()
    services.start_postgres()
    train_churn(settings, DEFAULT_DATA)
    MlflowClient(settings.registry.tracking_uri).delete_model_version("churn", "1")
    job = start().wait_ready()
    query = "SELECT source_partition, source_offset, model_version, plan_id FROM prediction"
    wait_until("everything is scored", lambda: len(select(settings, query)) == len(sent))
    revised = {json.loads(path.read_text())["plan_id"] for path in plans.glob("*.r1")}
    assert revised, "the revision is recorded beside the plan"
    rows = select(settings, query)
    assert {(row[0], row[1]) for row in rows} == set(sent)
    assert {row[2] for row in rows} == {"2"}
    assert revised <= {row[3] for row in rows}
    assert "plan_revised" in job.log.read_text()
    assert job.terminate() == 0
