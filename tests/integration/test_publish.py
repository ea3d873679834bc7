"""Traffic to a real broker: the ledger says what lies on the topic."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.local.ledger import digest, read_ledger
from streaming.local.outcomes import read_topic, rejected
from streaming.local.publish import publish
from streaming.local.telco import event_fields, load_telco, split
from streaming.local.traffic import Mix, Traffic

pytestmark = pytest.mark.integration
EVENTS = 600


def test_the_ledger_holds_every_message_of_the_topic(settings_file: Path, tmp_path: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    customers = event_fields(split(load_telco())[1])
    sent: list[int] = []
    traffic = Traffic(customers, EVENTS, lambda: datetime.now(UTC), mix=Mix(broken=0.3, repeated=0.1))
    before: list[int] = []

    def note_topic() -> None:
        before.append(len(list(read_topic(settings, settings.topics.event))))

    published = publish(settings, traffic, tmp_path / "ledger.jsonl", rate=2000, sent=sent.append, after_first=note_topic)
    assert before == [1], "the first message alone is on the topic before the rate begins"
    ledger = read_ledger(tmp_path / "ledger.jsonl")
    on_topic = {(m.topic(), m.partition(), m.offset()): digest(m.value()) for m in read_topic(settings, settings.topics.event)}
    assert {entry.address: entry.sha256 for entry in ledger} == on_topic
    assert published.acknowledged == len(ledger) == EVENTS == sent[-1]
    assert {entry.kind for entry in ledger} > {"good", "repeat", "conflict", "null_value", "empty_value"}
    assert published.shift_at is not None
    assert published.began < published.shift_at < published.ended


def test_conflicts_and_repeats_lie_behind_their_event(settings_file: Path, tmp_path: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    traffic = Traffic(event_fields(split(load_telco())[1]), EVENTS, lambda: datetime.now(UTC), mix=Mix(broken=0.3, repeated=0.1))
    publish(settings, traffic, tmp_path / "ledger.jsonl", rate=2000)
    first = {entry.event_id: entry for entry in read_ledger(tmp_path / "ledger.jsonl") if entry.kind == "good"}
    later = [entry for entry in read_ledger(tmp_path / "ledger.jsonl") if entry.kind in {"conflict", "repeat"}]
    assert later
    for entry in later:
        assert entry.partition == first[entry.event_id].partition
        assert entry.offset > first[entry.event_id].offset


def test_an_empty_rejected_topic_reads_as_nothing(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    assert rejected(settings) == []
