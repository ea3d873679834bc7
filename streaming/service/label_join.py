"""One turn of the label join: labels from their topic into the store, figures from the store to their topics.

    labels topic ─► label, prediction_label, label_offset (one transaction) ─► quality_window ─► quality ─► metrics, alerts
Delivery: exactly-once effect into the store; at least once with the same ids and bytes onto the topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import pandas as pd
import psycopg
import structlog
from confluent_kafka import Message

from streaming.kafka.label_source import LabelSource
from streaming.metrics.quality_record import Quality
from streaming.metrics.records import Record
from streaming.models.deployment import Deployment
from streaming.settings import Settings
from streaming.sinks.pool import Pool
from streaming.sinks.record_topic import RecordTopic
from streaming.sinks.scoring_log_fields import read_fields
from streaming.truth import label_log, outbox, windows
from streaming.truth.label import Checked, InvalidLabel, decode
from streaming.truth.label_log import CHUNK, Refused, Step
from streaming.truth.recompute import recompute, wanted

PUBLISHED_AT_ONCE = 200
LOOKS = 20
"""Most pieces of the waiting labels that are looked for in one turn; the others come next"""
_log = structlog.get_logger("streaming.join_labels")


class LabelJoin:
    """The label join of one deployment. Opens the topic when first asked, and again after `drop`."""

    def __init__(self, settings: Settings, deployment: Deployment) -> None:
        self._settings, self._truth, self._name = settings, deployment.truth, deployment.name
        self._topic = settings.topics.of("labels")
        self._pool = Pool(settings.store.dsn.get_secret_value(), statement_timeout_s=settings.store.statement_timeout_s)
        self._out = RecordTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client)
        self._source: LabelSource | None = None
        self._stood: dict[int, int] = {}

    def take(self) -> Counter[str]:
        """Read labels that came, and store and match them. Returns how many came to what; empty if none came.

        Raises Unavailable (drop, and try again: nothing of it stands, or all), StoreError, TopicError.
        """
        labels = self._settings.labels
        messages = self._open().take(labels.batch, labels.settle_s)
        if not messages:
            return Counter()
        steps = _steps(messages)
        counted = self._pool.run(partial(self._store, messages, steps), what="labels")
        self._stood |= {partition: step.next for partition, step in steps.items()}
        _log.info("labels", **counted)
        return counted

    def tend(self, now: datetime | None = None) -> list[Quality]:
        """Look again for what waits, compute windows that changed or have matured, and publish. Returns the figures made.

        now: aware, by default the clock's. Raises as `take` does.
        """
        moment = now or datetime.now(UTC)
        for _ in range(LOOKS):
            if self._pool.run(self._look_again, what="labels that wait")["looked"] < CHUNK:
                break
        due_after = self._truth.horizon + self._truth.delay
        self._pool.run(lambda c: windows.ripen(c, self._name, self._truth.window, due_after, moment), what="windows")
        stale = self._pool.run(lambda c: windows.stale(c, self._name, most=self._settings.labels.windows), what="windows")
        made = [record for one in stale for record in self._pool.run(partial(self._recompute, one, moment), what="figures")]
        self.publish()
        return made

    def publish(self) -> int:
        """Publish what is stored and not published yet; returns how many records. Raises as `take` does."""
        told = 0
        while found := self._pool.run(lambda c: outbox.waiting(c, self._name, most=PUBLISHED_AT_ONCE), what="records"):
            for kind in ("alerts", "metrics"):
                records: list[Record] = [one.record for one in found if one.topic == kind]
                self._out.publish(self._settings.topics.of(kind), records)
            numbers = [one.number for one in found]
            self._pool.run(partial(_published, self._name, numbers), what="records")
            told += len(found)
        return told

    def drop(self) -> None:
        """Leave the topic; `take` goes on from where the store stands."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def close(self) -> None:
        """Leave topic and store."""
        self.drop()
        self._pool.close()

    def _open(self) -> LabelSource:
        if self._source is None:
            self._stood = self._pool.run(lambda c: label_log.read_up_to(c, self._topic, self._name), what="the place in the topic")
            self._source = LabelSource(self._settings.kafka, self._topic, self._stood)
        return self._source

    def _store(self, messages: Sequence[Message], steps: dict[int, Step], connection: psycopg.Connection) -> Counter[str]:
        label_log.advance(connection, self._topic, self._name, steps, self._stood)
        labels, refused = _read(messages, self._name)
        counted = label_log.take(connection, self._name, self._truth, labels)
        counted["refused"] = label_log.refuse(connection, self._name, refused)
        return +counted

    def _look_again(self, connection: psycopg.Connection) -> Counter[str]:
        return label_log.look_again(connection, self._name, self._truth)

    def _recompute(self, of: windows.Stale, now: datetime, connection: psycopg.Connection) -> list[Quality]:
        return recompute(connection, self._name, self._truth, of, now=now, fields=self._fields)

    def _fields(self, first: datetime, last: datetime) -> pd.DataFrame | None:
        return read_fields(self._settings.stream.log_folder(), self._name, wanted(self._truth), (first, last))


def _steps(messages: Sequence[Message]) -> dict[int, Step]:
    """By partition: from where to where messages were read."""
    steps: dict[int, Step] = {}
    for message in messages:
        partition, offset = message.partition() or 0, message.offset() or 0
        steps[partition] = Step(steps[partition].first if partition in steps else offset, offset + 1)
    return steps


def _read(messages: Sequence[Message], deployment: str) -> tuple[list[Checked], list[Refused]]:
    labels: list[Checked] = []
    refused: list[Refused] = []
    for message in messages:
        value = message.value()
        try:
            labels.append(decode(value, deployment))
        except InvalidLabel as error:
            _log.warning("label_refused", partition=message.partition(), offset=message.offset(), reason=str(error))
            refused.append(Refused(message.topic() or "", message.partition() or 0, message.offset() or 0, str(error), value or b""))
    return labels, refused


def _published(deployment: str, numbers: Sequence[int], connection: psycopg.Connection) -> None:
    outbox.published(connection, deployment, numbers)
