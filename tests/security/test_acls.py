"""Each role does its work with exactly the rights that `scoring topics acls` prints; without one it is told which."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from security.site import Site

from streaming.config import load_settings
from streaming.errors import ConfigError, ScoringError, TopicError, Unavailable
from streaming.kafka.acls import ROLES, Grant, Role, grants
from streaming.kafka.label_source import LabelSource
from streaming.kafka.topic_span import committed, newest_messages, read, span_of
from streaming.kafka.topics import check_topics, create_topics
from streaming.metrics.publisher import Publisher
from streaming.metrics.segment import Frame
from streaming.micro_batch.lag import LagForTools
from streaming.producer import EventProducer
from streaming.report.reader import open_reader
from streaming.service.notify import read_book
from streaming.service.write_metrics import consumer_settings
from streaming.settings import Kind, Settings
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOYMENT = "churn_risk"
SCORING: tuple[Kind, ...] = ("event", "rejected", "replay", "metrics", "predictions")
DRIFT: tuple[Kind, ...] = ("metrics", "alerts")


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> Settings:
    """A service with topics of its own, made by the broker's owner; nobody else has a right on them yet."""
    (tmp_path / "test.toml").write_text(f"""
schemas = "{REPOSITORY}/schemas"
deployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"
kafka = {{ bootstrap_servers = "{site.broker.at("PLAIN")}" }}
topics = {{ event = "a{uuid.uuid4().hex[:12]}" }}
store = {{ dsn = "host=unused" }}
sinks = {{ topic = true }}
registry = {{ tracking_uri = "sqlite:///unused.db" }}
stream = {{ checkpoint = "unused", consumer_group = "g{uuid.uuid4().hex[:12]}" }}
drift = {{ checkpoint = "unused" }}
""")
    return load_settings(tmp_path / "test.toml")


def as_role(site: Site, settings: Settings, role: Role, without: Grant | None = None) -> Settings:
    """The settings of that role's own user, who gets exactly its rights, but for one."""
    granted = [_less(grant, without) for grant in grants(settings, DEPLOYMENT, role)]
    site.broker.grant(f"User:{role}", *(grant for grant in granted if grant.operations))
    return settings.model_copy(update={"kafka": site.scram(role)})


def _less(grant: Grant, without: Grant | None) -> Grant:
    if without is None or (grant.resource, grant.name) != (without.resource, without.name):
        return grant
    return grant._replace(operations=tuple(operation for operation in grant.operations if operation not in without.operations))


def send(settings: Settings, *kinds: Kind) -> None:
    """Send a message to each topic, as the jobs do."""
    sender = AcknowledgedTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client, compression="zstd", delivery_s=15)
    for kind in kinds:
        sender.send(settings.topics.of(kind), [Outgoing(b"{}", None)])


def score(settings: Settings) -> None:
    """All but reading by Spark, which a test of the running job does with the same rights."""
    check_topics(settings, SCORING, grants(settings, DEPLOYMENT, "score-events"))
    send(settings, "rejected", "metrics", "predictions")
    ends = json.dumps({settings.topics.event: {"0": 0}, settings.topics.of("replay"): {"0": 0}})
    progress = SimpleNamespace(progress=SimpleNamespace(sources=[SimpleNamespace(endOffset=ends, latestOffset=ends)]))
    LagForTools(settings.kafka, settings.stream.consumer_group).onQueryProgress(progress)


def watch(settings: Settings) -> None:
    """All but reading, likewise."""
    check_topics(settings, DRIFT, grants(settings, DEPLOYMENT, "detect-drift"))
    send(settings, "metrics", "alerts")
    read_book(settings)


def look_after(settings: Settings) -> None:
    read_book(settings)
    send(settings, "alerts")


def produce(settings: Settings) -> None:
    with EventProducer(settings.kafka.bootstrap_servers, settings.topics.event, client=settings.kafka.client) as producer:
        producer.send(b"{}", key=b"k")


def replay(settings: Settings) -> None:
    topic = settings.topics.of("replay")
    span = span_of(settings.kafka, topic)
    list(read(settings.kafka, settings.topics.of("rejected"), span_of(settings.kafka, settings.topics.of("rejected"))))
    committed(settings.kafka, topic, span, settings.stream.consumer_group)
    send(settings, "replay")
    assert len(list(read(settings.kafka, topic, span_of(settings.kafka, topic)))) > sum(high - low for low, high in span.values())


def report(settings: Settings) -> None:
    with open_reader(settings) as reader:
        reader.catch_up()
        assert reader.lag() is not None


def validate(settings: Settings) -> None:
    newest_messages(settings.kafka, settings.topics.event, 10)
    send(settings, "metrics")


def keep_metrics(settings: Settings) -> None:
    """All but writing to the store."""
    check_topics(settings, ("metrics",), grants(settings, DEPLOYMENT, "write-metrics"))
    consumer = Consumer(consumer_settings(settings))
    consumer.assign([TopicPartition(settings.topics.of("metrics"), 0, 0)])
    for message in consumer.consume(1, timeout=10):
        if message.error() is not None:
            raise ConfigError(f"{message.error().str()}, see `scoring topics acls`")
    consumer.close()


def track(settings: Settings) -> None:
    Publisher(settings.kafka.bootstrap_servers, settings.topics.of("metrics"), client=settings.kafka.client).publish([Frame(b"d", b"{}")])


def join_labels(settings: Settings) -> None:
    """All but what is done in the store."""
    check_topics(settings, ("labels", "metrics", "alerts"), grants(settings, DEPLOYMENT, "join-labels"))
    source = LabelSource(settings.kafka, settings.topics.of("labels"), {})
    source.take(1, 0.1)
    source.close()
    send(settings, "metrics", "alerts")


WORK: dict[Role, Callable[[Settings], object]] = {
    "operator": create_topics,
    "score-events": score,
    "detect-drift": watch,
    "producer": produce,
    "replay": replay,
    "report": report,
    "alerts": look_after,
    "validate-data": validate,
    "join-labels": join_labels,
    "labels": lambda settings: send(settings, "labels"),
    "write-metrics": keep_metrics,
    "tracker": track,
}


def test_each_role_does_its_work_with_exactly_its_rights(site: Site, settings: Settings) -> None:
    assert set(WORK) == set(ROLES)
    for role, work in WORK.items():
        work(as_role(site, settings, role))
    group = site.broker.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(settings.stream.consumer_group)])
    found = next(iter(group.values())).result(30).topic_partitions
    assert {place.topic for place in found} == {settings.topics.event, settings.topics.of("replay")}, "the lag is shown"


LEFT_OUT: list[tuple[Role, Kind, str]] = [
    ("score-events", "event", "Read"),
    ("score-events", "replay", "Read"),
    ("score-events", "rejected", "Write"),
    ("score-events", "metrics", "DescribeConfigs"),
    ("detect-drift", "metrics", "Write"),
    ("detect-drift", "alerts", "Write"),
    ("producer", "event", "Write"),
    ("replay", "rejected", "Read"),
    ("replay", "replay", "Write"),
    ("report", "metrics", "Read"),
    ("alerts", "alerts", "Read"),
    ("validate-data", "event", "Read"),
]


@pytest.mark.parametrize(("role", "kind", "operation"), LEFT_OUT, ids=["-".join(one) for one in LEFT_OUT])
def test_a_right_that_is_not_there_is_named(site: Site, settings: Settings, role: Role, kind: Kind, operation: str) -> None:
    create_topics(settings)
    send(settings, "event", "rejected", "metrics", "alerts")
    topic = settings.topics.of(kind)
    lacking = as_role(site, settings, role, Grant(role, "topic", topic, (operation,)))
    with pytest.raises(ScoringError) as told:
        WORK[role](lacking)
    line = str(told.value)
    assert "\n" not in line
    assert (topic if kind != "metrics" or role != "report" else "metrics") in line
    if role in ("score-events", "detect-drift"):
        assert isinstance(told.value, TopicError)
        assert operation in line.partition(topic)[2]
        assert "`scoring topics acls` prints" in line
    else:
        assert not isinstance(told.value, Unavailable), "waiting does not mend it"
        assert "scoring topics acls" in line


def test_the_operator_makes_no_other_topics(site: Site, settings: Settings) -> None:
    operator = as_role(site, settings, "operator")
    other = operator.model_copy(update={"topics": operator.topics.model_copy(update={"alerts": "others"})})
    with pytest.raises(TopicError, match=r"topic others was not created: .*uthoriz"):
        create_topics(other)
