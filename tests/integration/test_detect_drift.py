"""The drift job against a real broker: killed without warning in the middle, it loses nothing and says nothing else twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from streaming.config import Settings, load_settings
from streaming.drift.detect import Limits, take
from streaming.drift.series import Key, Series
from streaming.gather import RecordTopic
from streaming.local.jars import jar_paths
from streaming.local.topics import create_topics
from streaming.metrics.records import Alert, Drift, Group, Metrics, Reference, decode, encode
from streaming.metrics.sketches import Bins, Histogram
from streaming.records import rfc3339

pytestmark = pytest.mark.integration

KEY = Key("churn_risk", "churn", "1")
BINS = Bins("categorical", values=["a", "b"])
PATIENCE_S = 120
PROGRAM = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from streaming.config import load_settings
from streaming.drift_pipeline import start_detect_drift

builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.jars", sys.argv[2])
start_detect_drift(builder.getOrCreate(), load_settings(Path(sys.argv[1]))).awaitTermination()
"""


def reference() -> Reference:
    """One feature of two equal bins."""
    at, counts = rfc3339(datetime(2026, 1, 1, tzinfo=UTC)), Histogram([5000, 5000])
    return Reference("r", at, *KEY, "s", {"plan": BINS}, {"plan": counts}, BINS, counts, at)


def batch(number: int, *, loud: bool) -> Metrics:
    """A batch of 200 events, a minute after the one before."""
    now = rfc3339(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number))
    plan, score = Histogram([190, 10] if loud else [100, 100]), Histogram([100, 100])
    group = Group("champion", "champion", KEY.model, KEY.model_version, "s", 1, 200, {"plan": plan}, score, 0.0, 0.0)
    return Metrics(
        id=f"q/{number}/0",
        at=now,
        now=now,
        deployment=KEY.deployment,
        stream="s",
        query_id="q",
        batch_id=number,
        chunk=0,
        chunks=1,
        plan_id=f"q/{number}",
        offsets={},
        events=200,
        scored=200,
        repeated=0,
        rejected=0,
        rejected_by_reason={},
        groups=[group],
        latency_ms={},
        parts_ms={},
        duration_ms=1.0,
        events_per_s=1.0,
    )


def expected(settings: Settings, records: list[Reference | Metrics]) -> dict[str, bytes]:
    """What the job must publish, by id: the detection functions on the records in order."""
    limits = Limits(settings.drift.window_s, settings.drift.window_events, settings.drift.psi_threshold)
    series = Series()
    return {out.id: encode(out) for record in records for out in take(series, KEY, record, limits)}


def published(settings: Settings) -> dict[str, list[bytes]]:
    """Drift and alert records on the topics now: the values that came under each id."""
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "reader", "enable.auto.commit": False})
    found: dict[str, list[bytes]] = {}
    for topic in (settings.topics.of("metrics"), settings.topics.of("alerts")):
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]
        for message in consumer.consume(end, timeout=20) if end else []:
            record = decode(message.value() or b"")
            if isinstance(record, Drift | Alert):
                found.setdefault(record.id, []).append(message.value() or b"")
    consumer.close()
    return found


def wait_until_published(settings: Settings, ids: set[str], job: subprocess.Popen[bytes], log: Path) -> dict[str, list[bytes]]:
    """Everything published, once these ids are there."""
    until = time.monotonic() + PATIENCE_S
    while not ids <= (found := published(settings)).keys():
        assert job.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < until, f"missing after {PATIENCE_S} s: {ids - found.keys()}; {log.read_text()[-4000:]}"
        time.sleep(0.5)
    return found


@contextmanager
def running(settings_file: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The drift job as a process; at the end it is killed as by a power cut, and its JVM with it."""
    jars = ",".join(map(str, jar_paths("spark-kafka")))
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    with log.open("ab") as output:
        job = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(settings_file), jars],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield job
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def rewind(checkpoint: Path) -> None:
    """Leave the checkpoint as if the job had died two batches ago, after it published and before it committed."""
    commits = sorted((checkpoint / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
    last = int(commits[-min(2, len(commits))].name)
    for log, first_gone in (("commits", last), ("offsets", last + 1)):
        for entry in (checkpoint / log).glob("[0-9]*"):
            if int(entry.name) >= first_gone:
                entry.unlink()
                entry.with_name(f".{entry.name}.crc").unlink(missing_ok=True)


def test_killed_in_the_middle_it_publishes_what_the_detection_says(settings_file: Path, tmp_path: Path) -> None:
    settings, log = load_settings(settings_file), tmp_path / "detect_drift.log"
    create_topics(settings)
    topic = RecordTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client)
    per_window = max(-(-settings.drift.window_events // 200), 2)
    records: list[Reference | Metrics] = [batch(0, loud=True), reference()]
    records += [batch(number, loud=number < 3 * per_window) for number in range(1, 6 * per_window)]
    killed_at = 3 * per_window + 2  # one batch into the fourth window: the state must carry it over
    for begin, end in ((0, killed_at), (killed_at - 1, len(records))):  # the last record before it is killed comes twice
        with running(settings_file, log) as job:
            topic.publish(settings.topics.of("metrics"), [*records[begin:end]])
            found = wait_until_published(settings, set(expected(settings, records[:end])), job, log)
        if begin == 0:
            rewind(Path(settings.drift.checkpoint))
    wanted = expected(settings, records)
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in wanted.items()}
    assert any(len(values) > 1 for values in found.values()), "nothing was done again: the kill was not tested"
    alerts = [record for record in map(decode, wanted.values()) if isinstance(record, Alert)]
    assert [(alert.feature, alert.state) for alert in alerts] == [("plan", "raised"), ("plan", "resolved")]
