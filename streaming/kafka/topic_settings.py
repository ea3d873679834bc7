"""What a topic's own settings may not do: lose events, or let in what Spark's Kafka source can never read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # not in its types' __all__

from streaming.errors import TopicError
from streaming.settings import Kind, Topics

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
    for kind in ("rejected", "replay"):
        if kind in kinds:
            _check_room(topics, kind, found)
            _check_kept(topics, kind, found)


def _lets_unreadable_times_in(settings: Mapping[str, Any]) -> bool:
    limited = int(settings.get(_TIME_LIMIT, 0)) <= _UNREADABLE_MS
    return not limited and settings.get("message.timestamp.type") != "LogAppendTime"


def _check_room(topics: Topics, kind: Kind, found: Mapping[str, TopicSettings]) -> None:
    source, room = (int(found.get(name, {}).get("max.message.bytes", 0)) for name in (topics.event, topics.of(kind)))
    if source and room and room <= source:
        raise TopicError(
            f"topic {topics.of(kind)}: max.message.bytes {room} is not above the {source} of {topics.event}, "
            f"so that the largest events could not be {'kept' if kind == 'rejected' else 'sent again'}; set it to {source * 4 // 3}"
        )


def _check_kept(topics: Topics, kind: Kind, found: Mapping[str, TopicSettings]) -> None:
    """Rejected and replayed events keep their own times, by which brokers delete: no sooner than where they came from."""
    settings, name = found.get(topics.of(kind), {}), topics.of(kind)
    if settings.get("message.timestamp.type") == "LogAppendTime":
        if kind == "rejected":
            raise TopicError(f"topic {name}: message.timestamp.type LogAppendTime loses the events' own times; set it to CreateTime")
        return
    source = topics.of("event" if kind == "rejected" else "rejected")
    if "retention.ms" not in settings or "retention.ms" not in found.get(source, {}):
        return
    kept_ms, needed_ms = int(settings["retention.ms"]), int(found[source]["retention.ms"])
    if kept_ms >= 0 and (needed_ms < 0 or kept_ms < needed_ms):
        raise TopicError(
            f"topic {name}: retention.ms {kept_ms} counts from an event's own time and is shorter than that of {source}, "
            f"so that an old one is deleted too soon; set it to {needed_ms if needed_ms < 0 else f'{needed_ms} or more, or to -1'}"
        )
