"""The label join as users run it: labels come by topic and file, one comes late, and its window's figures are published anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prediction_rows import NOON, row, rows
from service import Job, read_topic, wait_until
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.metrics.quality_record import Quality
from streaming.metrics.records import decode
from streaming.records import rfc3339
from streaming.settings import Settings
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing
from streaming.sinks.migrate import migrate
from streaming.sinks.postgres import PostgresSink
from streaming.truth.label import Label, encode

pytestmark = [pytest.mark.integration, pytest.mark.slow]
COUNT = 40
OBSERVED = rfc3339(NOON + timedelta(days=31))
PREDICTIONS = [row(f"e{n}", entity=f"c{n}", seconds=n, offset=n, deployment="churn_risk", score=n / COUNT) for n in range(COUNT)]


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    settings_file.write_text(settings_file.read_text() + "\n[labels]\nevery_s = 0.5\nsettle_s = 0.2\n")
    found = load_settings(settings_file)
    create_topics(found)
    migrate(found.store.dsn.get_secret_value())
    PostgresSink(found.store.dsn.get_secret_value()).write(rows(*PREDICTIONS))
    return found


@pytest.fixture
def started(settings: Settings, settings_file: Path, tmp_path: Path) -> Iterator[list[Job]]:
    jobs = [Job("join_labels", settings_file, tmp_path).wait_ready()]
    yield jobs
    for job in jobs:
        job.kill()


def send(settings: Settings, *values: bytes) -> None:
    topic = AcknowledgedTopic(settings.kafka.bootstrap_servers, client={}, compression="lz4")
    topic.send(settings.topics.of("labels"), (Outgoing(value, None) for value in values))


def label(n: int, value: bool) -> bytes:
    return encode(Label(value, OBSERVED, "churn_risk", prediction_id=PREDICTIONS[n]["prediction_id"], source="test"))


def published(settings: Settings) -> list[Quality]:
    values = read_topic(settings, settings.topics.of("metrics"))
    found = [decode(message.value()) for message in values]
    return [one for one in found if isinstance(one, Quality)]


def held(settings: Settings, query: str) -> Any:
    with psycopg.connect(settings.store.dsn.get_secret_value()) as connection:
        return connection.execute(query.encode()).fetchone()


def labels_told(settings: Settings) -> int:
    return max((group.labels for one in published(settings) for group in one.groups), default=0)


def test_a_late_label_makes_its_windows_figures_anew_and_a_restart_counts_nothing_twice(
    settings: Settings, settings_file: Path, started: list[Job], tmp_path: Path
) -> None:
    send(settings, *(label(n, value=n >= COUNT // 2) for n in range(COUNT - 2)), b"no label")
    wait_until("the first figures are published", lambda: labels_told(settings) == COUNT - 2)
    assert 'scoring_labels_total{deployment="churn_risk",verdict="matched"} 38.0' in started[0].get("/metrics")[1]
    started[0].kill()
    # While the job is away a file brings a label by entity and time, and one that is there already.
    late = tmp_path / "late.csv"
    outcome = rfc3339(NOON + timedelta(days=20))
    late.write_text(f"entity_id,outcome_at,observed_at,label\nc{COUNT - 2},{outcome},{OBSERVED},true\n")
    assert CliRunner().invoke(app, ["labels", "import", str(late), "--config", str(settings_file)]).exit_code == 0
    send(settings, label(0, value=False))
    started.append(Job("join_labels", settings_file, tmp_path).wait_ready())
    wait_until("the late label's figures are published", lambda: labels_told(settings) == COUNT - 1)
    records = sorted((one for one in published(settings)), key=lambda one: one.revision)
    assert records[-1].revision > records[0].revision
    assert records[-1].groups[0].figures["auroc"].value == 1.0
    assert len({one.id for one in records}) == len({(one.window_start, one.slice, one.revision) for one in records})
    assert held(settings, "SELECT count(*), sum(corrected) FROM prediction_label") == (COUNT - 1, 0)
    shown = CliRunner().invoke(app, ["labels", "status", "--config", str(settings_file), "--json"])
    counts = json.loads(shown.output)["counts"]
    assert (counts["matched"], counts["refused"], counts["duplicated"]) == (COUNT - 1, 1, 1)
    assert counts["late"] >= 1
    table = CliRunner().invoke(app, ["quality", "--config", str(settings_file), "--json"])
    assert json.loads(table.output)[0]["groups"][0]["coverage"] == pytest.approx((COUNT - 1) / COUNT)
    assert CliRunner().invoke(app, ["quality", "--config", str(settings_file)]).output.count("1.000") >= 1
    assert started[1].terminate() == 0


def test_what_is_set_up_wrongly_is_told_in_one_line(settings_file: Path) -> None:
    from streaming.errors import TopicError
    from streaming.service.join_labels import join_labels

    with pytest.raises(TopicError, match="no topic activity_.*labels.*scoring topics create"):
        join_labels(settings_file)
