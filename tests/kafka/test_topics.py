from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streaming.config import load_settings
from streaming.errors import TopicError, Unavailable
from streaming.kafka.topics import check_topics, create_topics, topic_plans
from streaming.local.processes import free_port
from streaming.micro_batch.protocol import REFERENCE_EVERY_S
from streaming.settings import Kafka, Kind, Settings, Sinks

REPOSITORY = Path(__file__).resolve().parents[2]
ALL: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "predictions")  # which is made where it is asked for


def local_settings(tmp_path: Path, *, bootstrap: str = "127.0.0.1:9", wait_s: float = 0.5, **topics: object) -> Settings:
    (tmp_path / "run").mkdir(exist_ok=True)
    text = (REPOSITORY / "conf" / "local.toml").read_text().replace("file:../var/run/kafka.bootstrap", bootstrap)
    (tmp_path / "local.toml").write_text(text.replace("file:../var/run/postgres.dsn", "postgresql://nowhere"))
    settings = load_settings(tmp_path / "local.toml")
    changed = settings.topics.model_copy(update=topics)
    return settings.model_copy(update={"topics": changed, "kafka": Kafka(bootstrap_servers=bootstrap, wait_s=wait_s)})


def test_the_rejected_topic_takes_larger_messages_than_the_source(tmp_path: Path) -> None:
    event, rejected, replay, metrics, alerts, labels = topic_plans(local_settings(tmp_path, max_message_bytes=3_000_000, partitions=7))
    assert (event.partitions, rejected.partitions, replay.partitions, metrics.partitions, alerts.partitions) == (7, 7, 1, 1, 1)
    assert event.settings["max.message.bytes"] == "3000000"
    assert rejected.settings["max.message.bytes"] == "4000000"
    assert replay.settings["max.message.bytes"] == rejected.settings["max.message.bytes"]
    assert rejected.settings["retention.ms"] == replay.settings["retention.ms"] == alerts.settings["retention.ms"] == "-1"
    assert (labels.name, labels.partitions, labels.settings["retention.ms"]) == ("customer_activity.labels", 1, "-1")


def test_the_metrics_topic_keeps_its_records_for_as_many_days_as_are_set(tmp_path: Path) -> None:
    for settings, kept_ms in (
        (local_settings(tmp_path), 90 * 86_400_000),
        (local_settings(tmp_path, metrics_retention_days=2), 172_800_000),
    ):
        _, _, _, metrics, _, _ = topic_plans(settings)
        assert metrics.settings["retention.ms"] == str(kept_ms)
        assert metrics.settings["retention.bytes"] == "-1"


def test_the_topic_of_predictions_is_planned_where_it_is_asked_for(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    asked = settings.model_copy(update={"sinks": Sinks(topic=True)})
    name = "customer_activity.predictions"
    assert [name in [plan.name for plan in topic_plans(one)] for one in (settings, asked)] == [False, True]


def test_the_reference_is_repeated_within_the_shortest_retention() -> None:
    assert timedelta(seconds=REFERENCE_EVERY_S) < timedelta(days=1) / 2


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_replica_may_be_away_where_there_are_three(tmp_path: Path, replication: int, in_sync: str) -> None:
    plans = topic_plans(local_settings(tmp_path, replication=replication))
    assert {plan.settings["min.insync.replicas"] for plan in plans} == {in_sync}


def test_a_broker_that_is_not_there_is_told_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = local_settings(tmp_path, bootstrap=f"127.0.0.1:{free_port()}")
    for ask in (partial(check_topics, kinds=("event",)), create_topics):
        with pytest.raises(Unavailable, match=r"no broker answered at 127\.0\.0\.1:\d+ within 0\.5 s; .*scoring up"):
            ask(settings)
    assert capfd.readouterr().err == ""


@pytest.mark.integration
def test_topics_are_made_once_as_planned(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    with pytest.raises(TopicError, match=rf"no topic {settings.topics.event}, .*create it with `scoring topics create`"):
        check_topics(settings, ALL)
    assert sorted(create_topics(settings)) == sorted(plan.name for plan in topic_plans(settings))
    assert create_topics(settings) == []
    check_topics(settings, ALL)

    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for plan in topic_plans(settings):
        described = admin.describe_configs([ConfigResource(ResourceType.TOPIC, plan.name)])
        values = next(iter(described.values())).result()
        assert {name: values[name].value for name in plan.settings} == plan.settings
        assert len(admin.list_topics(plan.name).topics[plan.name].partitions) == plan.partitions


@pytest.mark.integration
def test_only_the_missing_topic_is_named(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    other = settings.model_copy(update={"topics": settings.topics.model_copy(update={"alerts": "elsewhere"})})
    with pytest.raises(TopicError, match="no topic elsewhere at"):
        check_topics(other, ALL)
    check_topics(other, ("event", "metrics"))


@pytest.mark.integration
def test_a_cluster_that_refuses_says_why(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    three = settings.model_copy(update={"topics": settings.topics.model_copy(update={"replication": 3})})
    with pytest.raises(TopicError, match=r"was not created: .*replication"):
        create_topics(three)
