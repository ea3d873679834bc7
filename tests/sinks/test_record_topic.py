"""The topic of our own records: acknowledged, or told."""

from __future__ import annotations

from pathlib import Path

import pytest
from service import read_topic
from tests_support import a_plan

from streaming.config import load_settings
from streaming.errors import Unavailable
from streaming.kafka.topics import create_topics
from streaming.metrics.records import decode
from streaming.metrics.tally import Tally
from streaming.micro_batch.gather import metrics_record
from streaming.sinks.record_topic import RecordTopic

RECORD = metrics_record(a_plan(), Tally(events=3), duration_ms=1)


@pytest.mark.integration
def test_a_record_is_keyed_by_its_deployment(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    name = settings.topics.of("metrics")
    RecordTopic(settings.kafka.bootstrap_servers, client={}).publish(name, [RECORD, RECORD])
    messages = read_topic(settings, name)
    assert [message.key() for message in messages] == [b"churn_risk"] * 2
    assert [decode(message.value()) for message in messages] == [RECORD, RECORD]


def test_a_broker_that_is_away_is_unavailable() -> None:
    topic = RecordTopic("127.0.0.1:1", client={"log_level": "0"}, delivery_s=0.3)
    with pytest.raises(Unavailable, match=r"topic events\.metrics did not take"):
        topic.publish("events.metrics", [RECORD])
