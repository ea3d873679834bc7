"""The drift job through spark-submit, on a real broker: killed in the middle, it loses nothing and says nothing else twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from drift_records import KEY, OTHER, SAME, batch, group, metrics, reference
from service import Job, Starter, read_topic, wait_until

from streaming.config import load_settings
from streaming.drift.detect import Limits, take
from streaming.drift.series import Series
from streaming.kafka.topics import create_topics
from streaming.metrics.records import Alert, Drift, Metrics, Reference, decode, encode
from streaming.metrics.sketches import Histogram
from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

WINDOW = 5  # batches of 100 events, a minute apart, that make a window of the test's configuration
STRANGE = {
    b'{"record": "metrics", "version": 1}': "Object missing required field",
    b"\xff no record": "malformed",
    encode(batch(3, query="strange", now="yesterday")): "now is 'yesterday'",
    encode(batch(3, query="strange", now="2026-01-01T00:00:00")): "now is '2026-01-01T00:00:00'",
    encode(metrics(3, [group(features={"plan": Histogram([-5, 105])})], query="strange")): "features.plan counts from -5",
    encode(reference(counts={"plan": Histogram([0, 0])})): "counts.plan is empty",
}


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    """Topics; the drift job needs nothing else."""
    settings = load_settings(settings_file)
    create_topics(settings)
    return settings


def story() -> list[Reference | Metrics]:
    """Six windows: three drift, three do not; the reference comes second."""
    numbers = range(6 * WINDOW)
    batches = [batch(number, OTHER if number < 3 * WINDOW else SAME, every_s=60) for number in numbers]
    return [batches[0], reference(), *batches[1:]]


def publish(settings: Settings, values: list[bytes]) -> None:
    """Put messages on the metrics topic, in order, as the scoring job does: all with the deployment as key."""
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "enable.idempotence": True})
    for value in values:
        producer.produce(settings.topics.of("metrics"), key=KEY.deployment, value=value)
    assert producer.flush(60) == 0


def expected(settings: Settings, records: list[Reference | Metrics]) -> dict[str, bytes]:
    """What the job must publish, by id: the detection functions on the records in order."""
    limits = Limits(settings.drift.window_s, settings.drift.window_events, settings.drift.psi_threshold)
    series = Series()
    return {out.id: encode(out) for record in records for out in take(series, KEY, record, limits)}


def published(settings: Settings) -> dict[str, list[bytes]]:
    """Drift and alert records on the topics now: the values that came under each id."""
    found: dict[str, list[bytes]] = {}
    for kind, topic in ((Drift, "metrics"), (Alert, "alerts")):
        for message in read_topic(settings, settings.topics.of(topic)):
            record = decode(message.value())
            if isinstance(record, Drift | Alert):
                assert isinstance(record, kind), f"{record.id} on {topic}"
                found.setdefault(record.id, []).append(message.value())
    return found


def forget_commits(checkpoint: Path) -> None:
    """Leave the checkpoint as if the job had died in its first batch, after it published and before it committed."""
    for log, first_gone in (("commits", 0), ("offsets", 1)):
        for entry in (checkpoint / log).glob("[0-9]*"):
            if int(entry.name) >= first_gone:
                entry.unlink()
                entry.with_name(f".{entry.name}.crc").unlink(missing_ok=True)


def wait_published(settings: Settings, ids: set[str], job: Job) -> None:
    """Wait until these ids are on the topics."""

    def there() -> bool:
        assert job.process.poll() is None, job.log.read_text()[-4000:]
        return ids <= published(settings).keys()

    wait_until("the verdicts are published", there)


def refused(job: Job) -> list[dict[str, Any]]:
    """The warnings about strange records in the job's log, by offset, each offset once: a replay tells again."""
    lines = [json.loads(line) for line in job.log.read_text().splitlines() if line.startswith("{")]
    found = {line["offset"]: line for line in lines if line["event"] == "record_refused"}
    return [found[offset] for offset in sorted(found)]


def test_killed_in_the_middle_and_fed_strange_records_it_publishes_what_the_detection_says(settings: Settings, start: Starter) -> None:
    records = story()
    cut = 3 * WINDOW + 3  # two batches into the fourth window: the state must carry them over
    publish(settings, [*STRANGE, *map(encode, records[:cut])])  # before the start: one batch has them all
    job = start(name="detect_drift")
    wait_published(settings, set(expected(settings, records[:cut])), job)
    publish(settings, [encode(records[cut - 1]), *map(encode, records[cut : cut + WINDOW])])  # the first of them comes twice
    job.kill()
    forget_commits(Path(settings.drift.checkpoint))

    publish(settings, [*map(encode, records[cut + WINDOW :])])
    job = start(name="detect_drift").wait_ready()
    wanted = expected(settings, records)
    wait_published(settings, set(wanted), job)
    assert job.terminate() == 0
    found = published(settings)
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in wanted.items()}
    assert any(len(values) > 1 for values in found.values()), "nothing was done again: the kill was not tested"
    alerts = [record for record in map(decode, wanted.values()) if isinstance(record, Alert)]
    assert [(alert.feature, alert.state) for alert in alerts] == [("plan", "raised"), ("plan", "resolved")]
    told = refused(job)
    assert [line["offset"] for line in told] == list(range(len(STRANGE)))
    assert all(reason in line["reason"] for line, reason in zip(told, STRANGE.values(), strict=True))
    assert "query_restart" not in job.log.read_text()
