"""Windows of a real topic: described, validated, published; readers that do not know the records pass them over."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from events import event
from service import REPOSITORY, send, wait_until
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.contracts import load_contract
from streaming.contracts.expectation_record import ExpectationsRecord
from streaming.contracts.published import PublishedSchemas
from streaming.contracts.statistics.document import StatisticsRecord
from streaming.kafka.topics import create_topics
from streaming.local.outcomes import read_topic
from streaming.producer import EventProducer
from streaming.report.data_watch import validate_window
from streaming.report.reader import open_reader
from streaming.schema_server.api import SchemaApi
from streaming.schema_server.server import SchemaServer
from streaming.settings import SchemaRegistry, Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    """A configuration whose topics are there."""
    loaded = load_settings(settings_file)
    create_topics(loaded)
    return loaded


def on_metrics(settings: Settings, kind: type[Any]) -> list[Any]:
    values = [message.value() or b"" for message in read_topic(settings, settings.topics.of("metrics"))]
    name = str(kind.__struct_config__.tag)
    return [msgspec.json.decode(value, type=kind) for value in values if json.loads(value)["record"] == name]


def run(*words: object) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["data", *map(str, words)], catch_exceptions=False)


def test_a_window_is_described_and_published(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    send(settings, [*(json.dumps(event(n)).encode() for n in range(300)), b"rubbish", None])
    words = ["describe", "--topic", settings.topics.event, "--schema", "customer_activity/1", "--config", settings_file]
    result = run(*words, "--slice", "contract", "--publish", "--json")
    found = json.loads(result.stdout)
    assert (found["summary"]["rows"], found["summary"]["unreadable"]) == (300, 2)
    assert found["summary"]["fields"]["event_time"]["type"] == "timestamp"
    records: list[StatisticsRecord] = on_metrics(settings, StatisticsRecord)
    assert sum(record.rows for record in records if record.slice_field == "" and record.chunk == 0) == 300
    assert sum(record.rows for record in records if record.slice_field == "contract" and record.chunk == 0) == 300
    whole = {name: field.summary for record in records if not record.slice_field for name, field in record.fields.items()}
    assert whole["tenure"].numbers is not None
    assert whole["tenure"].numbers.mean == pytest.approx(found["summary"]["fields"]["tenure"]["numbers"]["mean"])


def test_a_window_of_the_stream_is_validated(settings: Settings, settings_file: Path) -> None:
    send(settings, [json.dumps(event(n) | ({"contract": "Weekly"} if n % 10 == 0 else {})).encode() for n in range(200)])
    words = ["--topic", settings.topics.event, "--schema", "customer_activity/1", "--config", settings_file]
    statistics, expectations = run("validate", *words), run("expectations", *words, "--publish")
    assert (statistics.exit_code, expectations.exit_code) == (1, 1)
    assert 'contract: unseen_value: found "Weekly" 20×' in statistics.output
    assert "/contract: enum (expect_column_values_to_be_in_set): 20 rows" in expectations.output
    (record,) = on_metrics(settings, ExpectationsRecord)
    assert (record.source, record.rows, record.failed) == (settings.topics.event, 200, {"/contract enum": 20})
    assert (record.refused, record.unreadable, record.success) == ({"enum": 20}, 0, False)


def with_second_version(settings: Settings, folder: Path) -> Settings:
    """The same settings over schemas that have a second version, with a field more that older events do not know."""
    schemas = shutil.copytree(settings.schemas, folder / "schemas")
    schema = json.loads((schemas / "customer_activity" / "v1.json").read_text())
    schema["$id"] = "urn:streaming-scoring:customer_activity:2"
    schema["properties"]["tier"] = {"type": "string", "enum": ["none", "gold"], "x-default": "none"}
    schema["required"].append("tier")
    (schemas / "customer_activity" / "v2.json").write_text(json.dumps(schema))
    return settings.model_copy(update={"schemas": schemas})


def test_formats_and_versions_that_the_stream_accepts_are_no_anomaly(settings: Settings, tmp_path: Path) -> None:
    topic, brokers, settings = settings.topics.event, settings.kafka.bootstrap_servers, with_second_version(settings, tmp_path)
    old, new = (load_contract(settings.schemas / "customer_activity" / f"v{number}.json") for number in (1, 2))
    with SchemaServer(SchemaApi(PublishedSchemas(settings.schemas, topics={topic: "customer_activity"}))) as server:
        settings = settings.model_copy(update={"schema_registry": SchemaRegistry(url=server.url)})
        with EventProducer(brokers, topic, old, wire="confluent-avro", registry=settings.schema_registry) as producer:
            for n in range(20):
                producer.send(event(n))
        with EventProducer(brokers, topic, old) as producer:
            for n in range(20):
                producer.send(event(n))
        send(settings, [json.dumps(event(n) | {"tier": "gold"}).encode() for n in range(20)])
        found = validate_window(settings, new, last=1000)
        assert (found.expectations.rows, found.expectations.unreadable, found.expectations.refused) == (60, 0, {})
        assert found.sound, found.report.anomalies
        send(settings, [b"rubbish", None, json.dumps(event(1)).encode()])
        found = validate_window(settings, new, last=1000)
    assert not found.sound
    sound, unsound = on_metrics(settings, ExpectationsRecord)
    assert (sound.success, sound.anomalies, sound.anomaly_count) == (True, [], 0)
    assert (unsound.rows, unsound.unreadable, unsound.success) == (61, 2, False)
    assert unsound.refused == {"json": 1, "null_value": 1, "required": 1}
    assert unsound.failed == {"/tier required": 1}
    assert {(one.field, one.finding, one.rows) for one in unsound.anomalies} == {("tier", "missing", 1), ("", "unreadable", 2)}


def test_a_file_is_held_once(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "batch.jsonl"
    file.write_text("".join(json.dumps(event(n) | ({"tenure": 999} if n == 3 else {})) + "\n" for n in range(30)))
    job = [sys.executable, str(REPOSITORY / "jobs" / "validate_data.py"), "--config", str(settings_file), "--file", str(file)]
    done = subprocess.run(job, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "data_anomaly" in done.stdout + done.stderr
    (record,) = on_metrics(settings, ExpectationsRecord)
    assert (record.source, record.rows, record.failed, record.refused) == (str(file), 30, {"/tenure maximum": 1}, {})
    assert [(one.field, one.finding) for one in record.anomalies] == [("tenure", "range")]
    good = tmp_path / "good.jsonl"
    good.write_text("".join(json.dumps(event(n)) + "\n" for n in range(30)))
    assert subprocess.run([*job[:-1], str(good)], cwd=REPOSITORY, capture_output=True, check=False).returncode == 0


def test_readers_of_the_metrics_topic_pass_the_records_over(settings: Settings) -> None:
    send(settings, [json.dumps(event(n)).encode() for n in range(20)])
    found = validate_window(settings, load_contract(settings.schemas / "customer_activity" / "v1.json"), last=100)
    assert found.sound and found.report.rows == 20
    assert len(on_metrics(settings, StatisticsRecord)) >= 1
    with open_reader(settings) as reader:
        story = reader.catch_up()
    assert story.versions == {}


def test_the_job_goes_on_until_it_is_told_to_end(settings: Settings, settings_file: Path) -> None:
    send(settings, [json.dumps(event(n)).encode() for n in range(50)])
    start = [sys.executable, "-c", "from streaming.cli import main; main()", "run", "validate-data"]
    command = [*start, "--config", str(settings_file), "--every-s", "0.2"]
    job = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until("two rounds are told", lambda: len(on_metrics(settings, ExpectationsRecord)) >= 2)
        job.send_signal(signal.SIGTERM)
        output, _ = job.communicate(timeout=120)
    finally:
        job.kill()
    assert job.returncode == 0, output
    records = on_metrics(settings, ExpectationsRecord)
    assert {record.success for record in records} == {True}
    assert len({record.id for record in records}) == len(records)
    assert b"data_validated" in output
