"""Topics whose own settings would lose events or stop the job."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from service import wait_until
from structlog.testing import capture_logs

from streaming.config import load_settings
from streaming.errors import ConfigError, TopicError
from streaming.kafka.topic_settings import READABLE_MS, check_settings, described
from streaming.kafka.topics import check_topics, create_topics
from streaming.settings import Kind, Topics

TOPICS = Topics(event="e")
GOOD = {
    "cleanup.policy": "delete",
    "message.timestamp.before.max.ms": str(READABLE_MS),
    "max.message.bytes": "1000",
    "retention.ms": "604800000",
}
KINDS: list[Kind] = ["event", "rejected", "replay", "metrics"]


def found(**changes: dict[str, str]) -> dict[str, dict[str, str]]:
    kept = GOOD | {"max.message.bytes": "1334", "retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    settings = {"e": GOOD, "e.rejected": kept, "e.replay": kept, "e.metrics": GOOD}
    return settings | {name.replace("_", "."): settings[name.replace("_", ".")] | change for name, change in changes.items()}


def test_settings_that_lose_nothing_pass() -> None:
    check_settings(TOPICS, KINDS, found())


def test_settings_that_nobody_may_see_pass() -> None:
    check_settings(TOPICS, KINDS, {})


def test_times_that_the_broker_sets_itself_need_no_limit() -> None:
    check_settings(TOPICS, KINDS, found(e={"message.timestamp.before.max.ms": str(2**63 - 1), "message.timestamp.type": "LogAppendTime"}))


def test_a_replay_topic_with_times_of_its_own_may_forget_and_the_others_as_their_sources_do() -> None:
    check_settings(TOPICS, KINDS, found(e_replay={"retention.ms": "604800000", "message.timestamp.type": "LogAppendTime"}))
    check_settings(TOPICS, KINDS, found(e_rejected={"retention.ms": "604800000"}, e_replay={"retention.ms": "604800000"}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"e": {"cleanup.policy": "compact"}}, "topic e: cleanup.policy compact loses events; set it to delete"),
        ({"e_rejected": {"cleanup.policy": "compact,delete"}}, "topic e.rejected: cleanup.policy compact,delete loses events"),
        ({"e": {"message.timestamp.before.max.ms": str(2**63 - 1)}}, "topic e: a message with an absurd time would stop the job"),
        (
            {"e_rejected": {"max.message.bytes": "1000"}},
            "topic e.rejected: max.message.bytes 1000 is not above the 1000 of e.*set it to 1333",
        ),
        ({"e_replay": {"max.message.bytes": "1000"}}, "topic e.replay: max.message.bytes 1000 is .* could not be sent again"),
        ({"e_replay": {"retention.ms": "604800000"}}, "topic e.replay: retention.ms 604800000 counts from an event's own time.* to -1$"),
        (
            {"e_rejected": {"retention.ms": "86400000"}},
            "topic e.rejected: retention.ms 86400000 .* that of e,.* 604800000 or more, or to -1",
        ),
        ({"e_rejected": {"message.timestamp.type": "LogAppendTime"}}, "topic e.rejected: .*LogAppendTime loses the events' own times"),
    ],
)
def test_settings_that_lose_events_are_named_with_the_way_out(changes: dict[str, dict[str, str]], said: str) -> None:
    with pytest.raises(TopicError, match=said):
        check_settings(TOPICS, KINDS, found(**changes))


@pytest.mark.integration
def test_a_topic_that_somebody_made_with_the_brokers_defaults_is_told(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for future in admin.create_topics([NewTopic(settings.topics.of("rejected"), 1, 1, config={"max.message.bytes": "1048588"})]).values():
        future.result()
    wait_until("it is there", lambda: settings.topics.of("rejected") in admin.list_topics().topics)
    create_topics(settings)
    with pytest.raises(TopicError, match=r"\.rejected: max\.message\.bytes 1048588 is not above the 12582912"):
        check_topics(settings, ("event", "rejected"))


@pytest.mark.integration
def test_a_topic_that_is_not_there_is_left_out_with_a_warning(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    with capture_logs() as logs:
        assert described(AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers}), ["nowhere"], 10) == {}
    assert [(entry["event"], entry["topic"]) for entry in logs] == [("topic_settings_unseen", "nowhere")]


@pytest.mark.integration
@pytest.mark.parametrize("client", [{"socket.timeout.mss": "1"}, {"security.protocol": "SSLX"}, {"log.xyz": "1"}])
def test_a_client_setting_that_librdkafka_does_not_know_is_told(client: dict[str, str], settings_file: Path) -> None:
    settings = load_settings(settings_file)
    wrong = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"client": client})})
    with pytest.raises(ConfigError, match=r"kafka\.client: "):
        check_topics(wrong, ("event",))
