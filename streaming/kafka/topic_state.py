"""What topics are just now, by the admin client: which incarnation of the name, and the offsets that each partition holds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # not in its types' __all__

from streaming.errors import TopicError, Unavailable
from streaming.kafka.refusals import Admin
from streaming.settings import Kafka

_MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_PAUSE_S = 0.2


@dataclass(frozen=True)
class TopicState:
    """A topic's id, another one each time that a topic of the name is made, and partition → [first offset held, offset after the last]."""

    topic_id: str
    ranges: dict[str, tuple[int, int]]


def topic_states(kafka: Kafka, names: Sequence[str]) -> dict[str, TopicState]:
    """The state of each topic, by name. Aborted and open transactions count: an offset is an offset.

    Raises TopicError if one is not there, Unavailable if the brokers do not answer within kafka.wait_s.
    """
    admin = Admin(kafka).client
    give_up = monotonic() + kafka.wait_s
    while True:
        try:
            return _states(kafka, admin, names)
        except Unavailable:  # a topic that was just made, or whose leader is just gone, soon has one
            if monotonic() > give_up:
                raise
        sleep(_PAUSE_S)


def _states(kafka: Kafka, admin: AdminClient, names: Sequence[str]) -> dict[str, TopicState]:
    described = {name: _answer(kafka, name, each) for name, each in _describe(kafka, admin, names).items()}
    places = [TopicPartition(name, part.id) for name, topic in described.items() for part in topic.partitions]
    firsts = _offsets(kafka, admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    ends = _offsets(kafka, admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    ranges = {name: {str(n): (first, ends[name, n]) for (topic, n), first in firsts.items() if topic == name} for name in names}
    return {name: TopicState(str(described[name].topic_id), ranges[name]) for name in names}


def _describe(kafka: Kafka, admin: AdminClient, names: Sequence[str]) -> dict[str, Future[Any]]:
    return admin.describe_topics(TopicCollection([*names]), request_timeout=kafka.wait_s)


def _offsets(kafka: Kafka, admin: AdminClient, places: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
    asked = admin.list_offsets(dict.fromkeys(places, spec), isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=kafka.wait_s)
    return {(place.topic, place.partition): _answer(kafka, place.topic, found).offset for place, found in asked.items()}


def _answer(kafka: Kafka, name: str, asked: Future[Any]) -> Any:
    try:
        return asked.result()
    except KafkaException as error:
        if error.args[0].code() in _MISSING:
            raise TopicError(
                f"no topic {name} at {kafka.bootstrap_servers}; if it was deleted, see that this was meant, then `scoring topics create`"
            ) from None
        raise Unavailable(f"{kafka.bootstrap_servers}: topic {name}: {error.args[0].str()}; see that the brokers are up") from None
