"""The topics of a configuration: made by `scoring topics create`, checked before a job starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # not in its types' __all__

from streaming.errors import TopicError
from streaming.kafka.acls import Grant, check_granted
from streaming.kafka.refusals import Admin
from streaming.kafka.topic_settings import READABLE_MS, check_settings, described
from streaming.settings import Kind, Settings

FOREVER = {"retention.ms": "-1", "retention.bytes": "-1"}
READABLE_TIMES = {"message.timestamp.before.max.ms": str(READABLE_MS)}
CREATE_TIMEOUT_S = 30
DAY_MS = 86_400_000


@dataclass(frozen=True)
class TopicPlan:
    """How a topic is to be: name, partitions, and settings beside the replication."""

    name: str
    partitions: int
    settings: dict[str, str] = field(default_factory=dict)


def topic_plans(settings: Settings) -> list[TopicPlan]:
    """The topics of a configuration: event, rejected, replay, metrics, alerts, labels, and predictions where they are asked for."""
    topics = settings.topics
    event_bytes = topics.max_message_bytes
    # One replica may be away without stopping producers that wait for all (acks=all), as far as there are enough.
    in_sync = {"min.insync.replicas": str(max(1, topics.replication - 1))}
    kept = FOREVER | {"retention.ms": str(topics.metrics_retention_days * DAY_MS)}
    return [
        TopicPlan(topics.event, topics.partitions, in_sync | READABLE_TIMES | {"max.message.bytes": str(event_bytes)}),
        # A rejected record holds the event's bytes and headers that say why: the limit must be above the source's.
        TopicPlan(topics.of("rejected"), topics.partitions, in_sync | FOREVER | {"max.message.bytes": str(event_bytes * 4 // 3)}),
        # Replayed events keep their own times, which a retention would hold against them; one partition keeps their order.
        TopicPlan(topics.of("replay"), 1, in_sync | FOREVER | READABLE_TIMES | {"max.message.bytes": str(event_bytes * 4 // 3)}),
        # The scoring job repeats the reference every hour, so that no retention of a day or more takes it from the drift job.
        TopicPlan(topics.of("metrics"), 1, in_sync | kept | {"max.message.bytes": str(event_bytes)}),
        TopicPlan(topics.of("alerts"), 1, in_sync | FOREVER),
        # Labels come months after their predictions, and corrections after them.
        TopicPlan(topics.of("labels"), 1, in_sync | FOREVER),
        # How long predictions are kept is the brokers' default: the store and the scoring log hold them for good.
        *([TopicPlan(topics.of("predictions"), topics.partitions, in_sync)] if settings.sinks.topic else []),
    ]


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are not there; the others are left as they are. Returns the names created.

    Raises Unavailable if no broker answers within kafka.wait_s, TopicError if the cluster refuses (its reason is told).
    """
    admin = Admin(settings.kafka)
    existing = admin.topics()
    wanted = [
        NewTopic(plan.name, num_partitions=plan.partitions, replication_factor=settings.topics.replication, config=plan.settings)
        for plan in topic_plans(settings)
        if plan.name not in existing
    ]
    if not wanted:
        return []
    created = []
    for name, future in admin.client.create_topics(wanted, operation_timeout=CREATE_TIMEOUT_S).items():
        try:
            future.result()
            created.append(name)
        except KafkaException as error:
            # Someone else made it since we looked: what was asked for holds.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {name} was not created: {error.args[0].str()}; see topics.* of the configuration") from None
    return created


def check_topics(settings: Settings, kinds: Sequence[Kind], needed: Sequence[Grant] = ()) -> None:
    """See that the topics of these kinds are there, that their settings lose nothing, and that this client may do what is needed.

    Raises TopicError naming those missing, or the setting, or what is not allowed, and the way out; Unavailable if no broker
    answers within kafka.wait_s; ConfigError if kafka.client holds what the client does not know, or the brokers refuse it.
    """
    admin = Admin(settings.kafka)
    existing = admin.topics()
    check_granted(admin.client, needed, settings.kafka.wait_s)
    missing = [name for name in map(settings.topics.of, kinds) if name not in existing]
    if missing:
        where = settings.kafka.bootstrap_servers
        raise TopicError(f"no topic {', '.join(missing)} at {where}; create it with `scoring topics create`")
    names = [settings.topics.of(kind) for kind in kinds]
    check_settings(settings.topics, list(kinds), described(admin.client, names, settings.kafka.wait_s))
