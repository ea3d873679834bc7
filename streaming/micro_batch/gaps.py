"""Gaps: events that the topic no longer holds although no batch has read them. Told with their exact offsets, never passed over.

Before the query starts, and after each failure of it, the checkpoint's last offsets are compared with what the topics hold. What is
gone ends the job; or, where `stream.on_gap` is "continue", is published as a record, and the checkpoint goes on behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter

from streaming.errors import CheckpointError, DataGap
from streaming.kafka.topic_state import TopicState, topic_states
from streaming.metrics.records import Gap
from streaming.micro_batch.offset_log import Ends, OffsetLog
from streaming.records import rfc3339
from streaming.settings import Settings
from streaming.sinks.record_topic import RecordTopic

Cause = Literal["deleted", "recreated", "truncated"]
_SAID: dict[Cause, str] = {
    "deleted": "deleted before they were read: retention, or delete-records, overran the job",
    "recreated": "of the topic that had this name before: it was deleted and made again",
    "truncated": "behind the end that the partition has now: its log was cut, as an unclean leader election does",
}
_log = structlog.get_logger("streaming.gaps")


@dataclass(frozen=True)
class Missing:
    """What one partition lost: the offsets from `first` to before `end`, which is None where nobody can know it.

    resume: the first offset there is now, None for a partition that is no more.
    """

    topic: str
    partition: str
    cause: Cause
    first: int
    end: int | None
    resume: int | None

    def __str__(self) -> str:
        span = (
            f"offsets {self.first} to {self.end - 1} ({self.end - self.first})" if self.end is not None else f"offsets from {self.first} on"
        )
        return f"{self.topic}-{self.partition}: {span}"


def find_missing(ends: Ends, topics: Mapping[str, TopicState], known: Mapping[str, str]) -> list[Missing]:
    """What is gone of that which comes after `ends`, by topic, cause and partition.

    topics: what is there; known: the topics' ids when `ends` were written, left out where nobody knows.

    >>> held = {"t": TopicState("id", {"0": (70, 90), "1": (0, 5)})}
    >>> print(*find_missing({"t": {"0": 50, "1": 5}}, held, {}))
    t-0: offsets 50 to 69 (20)
    >>> print(*find_missing({"t": {"0": 80, "1": 5}}, held, {"t": "another"}))
    t-0: offsets from 80 on t-1: offsets from 5 on
    """
    found = [missing for name, state in topics.items() for missing in _missing(name, state, ends.get(name, {}), known)]
    return sorted(found, key=lambda one: (one.topic, one.cause, int(one.partition)))


def _missing(name: str, state: TopicState, ends: Mapping[str, int], known: Mapping[str, str]) -> Iterator[Missing]:
    recreated = known.get(name, state.topic_id) != state.topic_id or bool(ends.keys() - state.ranges.keys())
    for partition in ends.keys() | state.ranges.keys():
        start, (low, high) = ends.get(partition, 0), state.ranges.get(partition, (0, 0))
        if recreated:
            yield Missing(name, partition, "recreated", start, None, low if partition in state.ranges else None)
        elif start < low:
            yield Missing(name, partition, "deleted", start, low, low)
        elif start > high:
            yield Missing(name, partition, "truncated", high, start, high)


def mended(ends: Ends, missing: Sequence[Missing], *, begins: bool) -> Ends:
    """The same offsets behind what is gone.

    begins: these are the ends of a committed batch, where the next one begins; else those of a batch that is still to be done, which
    keeps what it had beyond the gap.

    >>> gone = [Missing("t", "0", "deleted", 50, 70, 70)]
    >>> mended({"t": {"0": 50, "1": 4}}, gone, begins=True), mended({"t": {"0": 99}}, gone, begins=False)
    ({'t': {'0': 70, '1': 4}}, {'t': {'0': 99}})
    """
    after = {topic: dict(partitions) for topic, partitions in ends.items()}
    for one in missing:
        partitions = after.setdefault(one.topic, {})
        if one.resume is None:
            partitions.pop(one.partition, None)
        elif begins or one.cause != "deleted":
            partitions[one.partition] = one.resume
        else:
            partitions[one.partition] = max(one.resume, partitions.get(one.partition, 0))
    return after


class GapWatch:
    """Looks for gaps in what the scoring job is to read: the event topic, and the replay topic beside it."""

    def __init__(self, settings: Settings, deployment: str, registry: CollectorRegistry) -> None:
        """deployment: its name, for the records; registry: gets the counters of gaps."""
        self._settings, self._deployment = settings, deployment
        self._topics = [settings.topics.event, settings.topics.of("replay")]
        self._lost = Counter("scoring_gap_offsets", "Offsets lost before they were read, where their number is known", registry=registry)
        self._gaps = Counter("scoring_gaps", "Gaps in what was to be read, by cause", ["cause"], registry=registry)

    def check(self, log: OffsetLog) -> None:
        """Compare; to be called while the query does not run.

        Raises DataGap if something is gone and the policy is "fail"; TopicError, Unavailable as `topic_states`; CheckpointError if the
        checkpoint cannot be gone on with, or is another query's.
        """
        query_id, committed, begun = log.query_id(), log.committed(), log.begun()
        ends, unfinished = log.ends(committed), log.ends(begun) if begun is not None else {}
        self._check_topics(log, ends | unfinished)
        held = topic_states(self._settings.kafka, self._topics)
        missing = find_missing(ends, held, log.topic_ids()) if ends else []
        if missing:
            self._tell(missing, query_id, committed + 1)
            if begun is not None:  # before the one where it begins: what was interrupted here is found again
                log.replace(begun, mended(unfinished, missing, begins=False))
            log.replace(committed, mended(ends, missing, begins=True))
        log.remember({name: state.topic_id for name, state in held.items()})

    def _check_topics(self, log: OffsetLog, ends: Ends) -> None:
        strange = sorted(ends.keys() - {*self._topics})
        if strange:
            raise CheckpointError(
                f"{log.place}: this checkpoint is of a query that reads {', '.join(strange)}, this one reads {', '.join(self._topics)}; "
                "name a checkpoint of its own, or the topic that it was made with"
            )

    def _tell(self, missing: Sequence[Missing], query_id: str, batch_id: int) -> None:
        policy, kafka = self._settings.stream.on_gap, self._settings.kafka
        records = [self._record([*group], query_id, batch_id) for _, group in groupby(missing, key=lambda one: (one.topic, one.cause))]
        for record in records:
            _log.error("gap", topic=record.topic, cause=record.cause, lost=record.lost, resumed=record.resumed, policy=policy)
        if policy == "fail":
            causes = "; ".join(
                f"{', '.join(map(str, group))}, {_SAID[cause]}" for cause, group in groupby(missing, key=lambda one: one.cause)
            )
            raise DataGap(
                f"events are gone that no batch has read: {causes}; bring them back from where they came, "
                'or set stream.on_gap = "continue" to have the gap recorded and go on behind it'
            )
        RecordTopic(kafka.bootstrap_servers, client=kafka.client).publish(self._settings.topics.of("metrics"), records)
        for record in records:
            self._gaps.labels(record.cause).inc()
            self._lost.inc(record.events or 0)

    def _record(self, missing: Sequence[Missing], query_id: str, batch_id: int) -> Gap:
        lost = {one.partition: [one.first, one.end] for one in missing}
        known = [one.end - one.first for one in missing if one.end is not None]
        topic, cause = missing[0].topic, missing[0].cause
        digest = hashlib.sha256(json.dumps([topic, cause, lost], sort_keys=True).encode()).hexdigest()[:16]
        return Gap(
            id=f"{query_id}/gap/{batch_id}/{digest}",
            at=rfc3339(datetime.now(UTC)),
            deployment=self._deployment,
            query_id=query_id,
            batch_id=batch_id,
            topic=topic,
            cause=cause,
            lost=lost,
            resumed={one.partition: one.resume for one in missing if one.resume is not None},
            events=sum(known) if len(known) == len(missing) else None,
        )
