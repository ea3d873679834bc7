"""The command against a real broker and store, without a scoring job: what is left out, what is gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Consumer, TopicPartition
from service import read_topic
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.kafka.topic_span import span_of
from streaming.kafka.topics import create_topics
from streaming.records import REJECTED
from streaming.replay.mapping import Mapping
from streaming.replay.selection import Selection
from streaming.replay.state import Run, new_run, save
from streaming.settings import Settings
from streaming.sinks.migrate import migrate
from streaming.sinks.rejected import RejectedTopic

pytestmark = pytest.mark.integration
COUNT = 5


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    """A service whose job has rejected a few events, and stands still."""
    loaded = load_settings(settings_file)
    create_topics(loaded)
    migrate(loaded.store.dsn.get_secret_value())
    topic, limit = loaded.topics.of("rejected"), loaded.topics.max_message_bytes
    sink = RejectedTopic(loaded.kafka.bootstrap_servers, topic, client={}, max_message_bytes=limit, job="score_events")
    sink.write(pa.RecordBatch.from_pylist([rejected(loaded, offset) for offset in range(COUNT)], schema=REJECTED), model="churn/1")
    return loaded


def rejected(settings: Settings, offset: int) -> dict[str, Any]:
    event = {"key": b"c", "value": b"{}", "headers": [], "source_topic": settings.topics.event, "source_partition": 0}
    reason = {"stage": "validate", "reason": "required", "path": "/tenure", "message": "/tenure: required", "schema_version": 1}
    return event | {"source_offset": offset, "received_at": 1_767_355_200_000_000} | reason


def replay(settings_file: Path, folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    command = ["rejected", "replay", "--yes", "--json", "--config", str(settings_file), "--state", str(folder), *words]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


def test_what_is_still_on_its_way_is_told_and_not_sent_twice(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    first, _ = replay(settings_file, tmp_path / "a")
    assert (first["sent"], first["on_the_way"]) == (COUNT, 0)
    second, _ = replay(settings_file, tmp_path / "a", "--reason", "required")
    assert (second["sent"], second["on_the_way"]) == (0, COUNT)
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "scoring.churn_risk"})
    consumer.commit(offsets=[TopicPartition(settings.topics.of("replay"), 0, 3)], asynchronous=False)
    consumer.close()
    third, _ = replay(settings_file, tmp_path / "a", "--path", "/tenure")
    assert (third["sent"], third["on_the_way"]) == (3, 2), "the job has been over three, and they have no prediction"
    assert len(read_topic(settings, settings.topics.of("replay"))) == COUNT + 3


def test_a_run_that_was_stopped_long_ago_is_named_before_it_is_gone_on_with(
    settings: Settings, settings_file: Path, tmp_path: Path
) -> None:
    asked = dict.fromkeys(("reason", "path", "schema_version", "producer", "since", "until"), "")
    spans = [span_of(settings.kafka, settings.topics.of(kind)) for kind in ("rejected", "replay")]
    run: Run = new_run(asked, settings.topics.event, Selection(), Mapping().text, rejected=spans[0], replay=spans[1])
    save(tmp_path, run)
    told, stderr = replay(settings_file, tmp_path)
    assert (told["run"], told["sent"]) == (run.id, COUNT)
    assert f"goes on with the run of {run.started_at}, {COUNT} events left; {tmp_path}" in stderr
    assert "goes on" not in replay(settings_file, tmp_path)[1]


def test_each_way_to_look_at_them_works(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    def told(*words: str) -> str:
        result = CliRunner().invoke(app, ["rejected", *words, "--config", str(settings_file)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert f"{COUNT} events: /tenure: required; since 2026-01-02 12:00 UTC, from producer unknown" in told("list")
    assert "attempt 1  validate: /tenure: required (schema v1, model churn/1)" in told("show", f"{settings.topics.event}/0/3")
    assert f"{COUNT} events rejected, 0 of them mended since" in told("stats")
    assert told("page", "--out", str(tmp_path / "page.html")) == f"{tmp_path}/page.html: {COUNT} events of 1 cause\n"
    assert "/tenure: required" in (tmp_path / "page.html").read_text()
    assert f"{COUNT} events would be sent, 0 of them changed by the mapping" in " ".join(told("replay", "--dry-run").split())
