"""What each part of the service may do at the brokers, and nothing more: the one list for documents, commands and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streaming.errors import ConfigError, TopicError
from streaming.settings import Kind, Settings

Role = Literal[
    "operator", "score-events", "detect-drift", "producer", "replay", "report", "alerts", "validate-data", "join-labels", "labels",
    "write-metrics", "tracker",
]  # fmt: skip
"""operator: `scoring topics create`; replay: `scoring rejected`; report: `scoring report` and `scoring top`; alerts: `scoring alerts`;
labels: who sends them; tracker: calls streaming.metrics"""
ROLES: tuple[Role, ...] = get_args(Role)
_READ, _WRITE, _DESCRIBE, _CONFIGS, _CREATE = "Read", "Write", "Describe", "DescribeConfigs", "Create"
# Reading and writing a topic include describing it. DescribeConfigs lets a job see at its start that a topic loses nothing.
_TOPICS: Mapping[Role, Mapping[Kind, tuple[str, ...]]] = {
    "operator": dict.fromkeys(get_args(Kind), (_CREATE, _DESCRIBE)),
    "score-events": {
        "event": (_READ, _CONFIGS),
        "replay": (_READ, _CONFIGS),
        "rejected": (_WRITE, _CONFIGS),
        "metrics": (_WRITE, _CONFIGS),
        "predictions": (_WRITE, _CONFIGS),
    },
    "detect-drift": {"metrics": (_READ, _WRITE, _CONFIGS), "alerts": (_READ, _WRITE, _CONFIGS)},
    "producer": {"event": (_WRITE,)},
    "replay": {"rejected": (_READ,), "replay": (_READ, _WRITE)},
    "report": {"event": (_DESCRIBE,), "metrics": (_READ,), "alerts": (_READ,)},
    "alerts": {"alerts": (_READ, _WRITE)},
    "validate-data": {"event": (_READ,), "metrics": (_WRITE,)},
    "join-labels": {"labels": (_READ, _CONFIGS), "metrics": (_WRITE, _CONFIGS), "alerts": (_WRITE, _CONFIGS)},
    "labels": {"labels": (_WRITE,)},
    "write-metrics": {"metrics": (_READ, _CONFIGS)},
    "tracker": {"metrics": (_WRITE,)},
}
SPAN_GROUP, REPORT_GROUP, LABELS_GROUP, METRIC_STORE_GROUP = "scoring.span", "scoring.report", "scoring.labels", "scoring.metrics"
"""Groups that librdkafka insists on where offsets are neither read nor committed; it looks for their coordinator all the same."""


def role_of(text: str) -> Role:
    """The role of that name. Raises ConfigError with the names there are."""
    for role in ROLES:
        if role == text:
            return role
    raise ConfigError(f"{text} is not a role; the roles are {', '.join(ROLES)}")


class Grant(NamedTuple):
    """Operations that one role needs on one resource, in the words of Kafka's own tools."""

    role: Role
    resource: Literal["topic", "group"]
    name: str
    operations: tuple[str, ...]


def grants(settings: Settings, deployment: str, role: Role) -> list[Grant]:
    """All that a role needs; everything else may be denied. No role needs a cluster's or a transactional id's operations.

    deployment: name of the one that the job serves.
    """
    kinds = [(kind, operations) for kind, operations in _TOPICS[role].items() if kind != "predictions" or settings.sinks.topic]
    topics = [Grant(role, "topic", settings.topics.of(kind), operations) for kind, operations in kinds]
    lag = settings.stream.consumer_group or f"scoring.{deployment}"
    groups: Mapping[str, list[tuple[str, str]]] = {
        "score-events": [(lag, _READ)],
        "replay": [(lag, _DESCRIBE), (SPAN_GROUP, _DESCRIBE)],
        "detect-drift": [(SPAN_GROUP, _DESCRIBE)],
        "report": [(REPORT_GROUP, _DESCRIBE)],
        "alerts": [(SPAN_GROUP, _DESCRIBE)],
        "validate-data": [(SPAN_GROUP, _DESCRIBE)],
        "join-labels": [(LABELS_GROUP, _DESCRIBE)],
        "write-metrics": [(METRIC_STORE_GROUP, _DESCRIBE)],
    }
    return topics + [Grant(role, "group", name, (operation,)) for name, operation in groups.get(role, [])]


def command(grant: Grant, principal: str, bootstrap_servers: str) -> str:
    """The call of Kafka's own tool that gives a grant.

    >>> command(Grant("producer", "topic", "calls", ("Write",)), "User:crm", "b:9092").partition(" --add ")[2]
    "--allow-principal 'User:crm' --operation Write --topic 'calls'"
    """
    operations = " ".join(f"--operation {operation}" for operation in grant.operations)
    to = f"kafka-acls --bootstrap-server {bootstrap_servers} --command-config admin.properties --add"
    return f"{to} --allow-principal {_quoted(principal)} {operations} --{grant.resource} {_quoted(grant.name)}"


def check_granted(admin: AdminClient, wanted: Iterable[Grant], timeout_s: float) -> None:
    """See, before anything is read or written, that this client may do what a role needs on its topics.

    Raises TopicError naming topic and operation. A broker that does not say what a client may do is believed.
    """
    needed = {grant.name: grant.operations for grant in wanted if grant.resource == "topic"}
    asked = admin.describe_topics(TopicCollection(list(needed)), include_authorized_operations=True, request_timeout=timeout_s)
    for name, future in asked.items():
        try:
            allowed = future.result().authorized_operations
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                continue  # not there, or without a leader just now: told by those who look for that
            raise _denied(name, "hide it from this client, which needs", needed[name]) from None
        if missing := [operation for operation in needed[name] if allowed and operation not in map(_word, allowed)]:
            raise _denied(name, "do not allow this client to", missing)


def _denied(topic: str, what: str, operations: Iterable[str]) -> TopicError:
    return TopicError(f"topic {topic}: the brokers {what} {', '.join(operations)}; `scoring topics acls` prints what each client needs")


def _word(operation: object) -> str:
    """DESCRIBE_CONFIGS as Kafka's tools write it: DescribeConfigs."""
    return str(getattr(operation, "name", operation)).title().replace("_", "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
