"""The scoring job through spark-submit, on a real broker and a real PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from events import bad, event, good, message
from service import Job, Starter, produce, read_topic, select, wait_until

from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.local.table import train_table
from streaming.local.telco import DEFAULT_DATA
from streaming.metrics.records import Metrics, Reference, decode
from streaming.settings import Settings
from streaming.sinks.migrate import migrate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture
def bare_settings(settings_file: Path) -> Settings:
    """Topics and tables."""
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    return settings


@pytest.fixture
def settings(settings_file: Path, registry_table: str, bare_settings: Settings) -> Settings:
    """Topics, tables and the champion that all tests share."""
    text = settings_file.read_text()
    own = text[text.index("tracking_uri") : text.index("[stream]")]
    settings_file.write_text(text.replace(own, registry_table))
    return load_settings(settings_file)


def headers(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers()}


def rejected(settings: Settings) -> dict[tuple[int, int], Any]:
    """Rejected messages by the address of the event."""
    found = {}
    for record in read_topic(settings, settings.topics.of("rejected")):
        named = headers(record)
        found[int(named["__connect.errors.partition"]), int(named["__connect.errors.offset"])] = record
    return found


def stored(settings: Settings) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Predictions by the address of the event."""
    query = "SELECT source_partition, source_offset, event_id, payload_digest, score, model_version, plan_id, role FROM prediction"
    return {(row[0], row[1]): row[2:] for row in select(settings, query)}


def batches(settings: Settings) -> list[Metrics]:
    """Metrics records, known ids dropped."""
    records = [decode(message.value()) for message in read_topic(settings, settings.topics.of("metrics"))]
    return list({record.id: record for record in records if isinstance(record, Metrics)}.values())


def test_every_event_has_one_outcome_and_every_bad_one_its_reason(settings: Settings, start: Starter) -> None:
    kinds = bad()
    fields = event(7)
    conflict = fields | {"tenure": fields["tenure"] + 1}
    special = [message(fields), message(fields), message(conflict)]
    messages = [*good(300), *({"value": value} for value, _ in kinds.values()), *good(50)]
    sent = produce(settings, messages)
    job = start().wait_ready()
    wait_until("all but the last are judged", lambda: len(stored(settings)) == 350 and len(rejected(settings)) == len(kinds))
    late = produce(settings, [*special, *good(1)])
    wait_until("the last is scored", lambda: late[-1] in stored(settings))
    wait_until("the conflict is rejected", lambda: late[2] in rejected(settings))

    reasons = rejected(settings)
    for (kind, (value, reason)), address in zip(kinds.items(), sent[300 : 300 + len(kinds)], strict=True):
        assert headers(reasons[address])["scoring.reason"] == reason, kind
        assert reasons[address].value() == value, kind
    assert headers(reasons[late[2]])["scoring.reason"] == "event_conflict"
    assert late[0] in stored(settings)
    assert late[1] not in stored(settings)
    assert late[1] not in reasons
    for address, sent_message in zip(sent, messages, strict=True):
        if address in stored(settings):
            assert stored(settings)[address][1] == hashlib.sha256(sent_message["value"]).digest()
    _check_metrics(settings, events=len(messages) + 4, repeated=1, rejections=Counter([r for _, r in kinds.values()] + ["event_conflict"]))
    _check_surroundings(settings, job)
    assert job.terminate() == 0
    _check_logs(job, scored=352)
    summed = "SELECT value, sum(events)::int FROM rejection WHERE dimension = 'reason' GROUP BY 1"
    assert dict(select(settings, summed)) == Counter([reason for _, reason in kinds.values()] + ["event_conflict"])
    log = ds.dataset(settings.stream.scoring_log, format="parquet", partitioning="hive", exclude_invalid_files=True).to_table()
    assert log.num_rows == 352
    assert set(log.column("prediction_id").to_pylist()) == {str(i) for (i,) in select(settings, "SELECT prediction_id FROM prediction")}


def _check_metrics(settings: Settings, *, events: int, repeated: int, rejections: Counter[str]) -> None:
    wait_until("the last batch is recorded", lambda: sum(b.events for b in batches(settings)) == events)
    records = batches(settings)
    total: Counter[str] = Counter()
    for record in records:
        total.update(record.rejected_by_reason)
        assert record.events == record.scored + record.repeated + record.rejected
        for group in record.groups:
            assert all(histogram.total == record.scored for histogram in [*group.features.values(), group.score])
    assert total == rejections
    assert sum(r.repeated for r in records) == repeated
    assert any(isinstance(decode(m.value()), Reference) for m in read_topic(settings, settings.topics.of("metrics")))


def _check_surroundings(settings: Settings, job: Job) -> None:
    status, figures = job.get("/metrics")
    assert status == 200
    assert 'scoring_events_total{outcome="scored"} 352.0' in figures
    assert job.get("/livez") == (200, "live\n")
    wait_until("the lag is visible to Kafka's tools", lambda: _committed(settings) == 352 + len(bad()) + 2)


def _check_logs(job: Job, *, scored: int) -> None:
    """Each batch is one JSON line."""
    lines = [json.loads(line) for line in job.log.read_text().splitlines() if line.startswith("{")]
    told = [line for line in lines if line["event"] == "batch"]
    assert sum(line["scored"] for line in told) == scored
    assert {"plan", "job", "store"} <= set(told[0]["parts_ms"])


def _committed(settings: Settings) -> int:
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "scoring.churn_risk"})
    partitions = [TopicPartition(settings.topics.event, p) for p in range(settings.topics.partitions)]
    return sum(max(position.offset, 0) for position in consumer.committed(partitions, timeout=10))


@pytest.fixture
def small_parts(settings: Settings, settings_file: Path) -> Settings:
    """Arrow batches so small that a backlog is one batch in whose middle something can happen."""
    settings_file.write_text(settings_file.read_text().replace("[stream]", "[stream]\narrow_batch_rows = 50"))
    return load_settings(settings_file)


def test_kill_minus_nine_and_a_start_again_lose_and_double_nothing(small_parts: Settings, start: Starter) -> None:
    settings = small_parts
    backlog = produce(settings, good(20_000))
    job = start()
    wait_until("it is in the middle", lambda: len(stored(settings)) > 0)
    job.kill()
    middle = stored(settings)
    assert 0 < len(middle) < len(backlog), "killed within the batch"
    assert batches(settings) == [], "which did not end"
    sent = backlog + produce(settings, good(500))
    job = start().wait_ready()
    wait_until("everything is scored", lambda: len(stored(settings)) >= len(sent))
    after = stored(settings)
    assert set(after) == set(sent)
    assert len({row[0] for row in after.values()}) == len(sent)
    assert {address: after[address] for address in middle} == middle, "what was delivered stands as it was"
    wait_until("the metrics count each event once", lambda: sum(b.scored for b in batches(settings)) == len(sent))
    replayed = batches(settings)[0]
    assert (replayed.batch_id, replayed.scored) == (0, len(backlog)), "the same batch, whole, though part of it was stored before"
    assert {after[address] for address in backlog} >= set(middle.values())
    assert len({after[address][4] for address in backlog}) == 1, "both runs worked off one plan"
    assert job.terminate() == 0


def test_a_new_alias_takes_over_at_a_batch_boundary(bare_settings: Settings, start: Starter) -> None:
    settings = bare_settings
    train_table(settings, DEFAULT_DATA, check=False)
    job = start().wait_ready()
    produce(settings, good(50))
    wait_until("the first are scored", lambda: len(stored(settings)) == 50)
    train_table(settings, DEFAULT_DATA, check=False)

    def second_version_serves() -> bool:
        produce(settings, good(5))
        return "2" in {row[3] for row in stored(settings).values()}

    wait_until("the second version scores", second_version_serves)
    by_plan = Counter((row[4], row[3]) for row in stored(settings).values())
    assert len(by_plan) == len({plan for plan, _ in by_plan}), "each batch has one version"
    assert job.terminate() == 0
    noted = select(settings, "SELECT model_version, version_before, plan_id FROM deployment_log ORDER BY id")
    assert [row[:2] for row in noted] == [("1", None), ("2", "1")], "each is noted once, before it first serves"
    first = {version: min(_batch(plan) for plan, scored_by in by_plan if scored_by == version) for version in "12"}
    last = max(_batch(plan) for plan, scored_by in by_plan if scored_by == "1")
    assert _batch(noted[0][2]) <= first["1"] <= last < _batch(noted[1][2]) <= first["2"]


def _batch(plan_id: str) -> int:
    return int(plan_id.split("/")[1])
