"""What a topic's own settings may not do: lose events, or let in what Spark's Kafka source can never read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # not in its types' __all__

from streaming.config import Kind, Topics
from streaming.errors import TopicError

_log = structlog.get_logger("streaming.topics")
_TIME_LIMIT = "message.timestamp.before.max.ms"
READABLE_MS = 315_360_000_000_000
"""Spark's Kafka source counts microseconds and fails for ever on a time that 64 bits of them cannot hold; one of ten thousand
years back they can. The time ahead is limited by the broker's own default, an hour."""
_UNREADABLE_MS = 9_000_000_000_000_000
TopicSettings = Mapping[str, str]


def described(admin: AdminClient, names: list[str], timeout_s: float) -> dict[str, TopicSettings]:
    """Settings of topics by name. One whose settings this client may not see is left out, with a warning."""
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names], request_timeout=timeout_s)
    found: dict[str, TopicSettings] = {}
    for resource, future in asked.items():
        try:
            found[resource.name] = {name: str(entry.value) for name, entry in future.result().items()}
        except KafkaException as error:
            _log.warning("topic_settings_unseen", topic=resource.name, error=error.args[0].str())
    return found


def check_settings(topics: Topics, kinds: list[Kind], found: Mapping[str, TopicSettings]) -> None:
    """Raise TopicError, naming setting, value and way out, for a topic that would lose events or stop the job."""
    for kind in kinds:
        settings = found.get(name := topics.of(kind), {})
        if "compact" in settings.get("cleanup.policy", ""):
            raise TopicError(f"topic {name}: cleanup.policy {settings['cleanup.policy']} loses events; set it to delete")
        if kind in ("event", "replay") and _lets_unreadable_times_in(settings):
            raise TopicError(f"topic {name}: a message with an absurd time would stop the job for ever; set {_TIME_LIMIT} to {READABLE_MS}")
    _check_room(topics, found)


def _lets_unreadable_times_in(settings: Mapping[str, Any]) -> bool:
    limited = int(settings.get(_TIME_LIMIT, 0)) <= _UNREADABLE_MS
    return not limited and settings.get("message.timestamp.type") != "LogAppendTime"


def _check_room(topics: Topics, found: Mapping[str, TopicSettings]) -> None:
    limits = {name: int(found.get(name, {}).get("max.message.bytes", 0)) for name in (topics.event, topics.of("rejected"))}
    source, rejected = limits.values()
    if source and rejected and rejected <= source:
        raise TopicError(
            f"topic {topics.of('rejected')}: max.message.bytes {rejected} is not above the {source} of {topics.event}, "
            f"so that the largest events could not be kept; set it to {source * 4 // 3}"
        )
