"""How far behind the job is, for ordinary Kafka tools: the offsets of completed batches as those of a consumer group."""

from __future__ import annotations

import json
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from prometheus_client import CollectorRegistry, Gauge
from pyspark.sql.streaming.listener import StreamingQueryListener

from streaming.settings import Kafka

_log = structlog.get_logger("streaming.lag")


class LagForTools(StreamingQueryListener):
    """Commits the end offsets of completed batches to a consumer group, so that ordinary tools see the lag.

    Correctness never reads them: the checkpoint is what a restart goes by.
    """

    def __init__(self, kafka: Kafka, group: str, registry: CollectorRegistry | None = None) -> None:
        """registry: where Prometheus finds the lag; None for nowhere."""
        super().__init__()
        self._lag = Gauge("scoring_lag_events", "Events at the brokers that no completed batch has read", registry=registry)
        self._group = group
        self._consumer = Consumer(
            {"bootstrap.servers": kafka.bootstrap_servers, **kafka.client, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )

    def onQueryStarted(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def onQueryProgress(self, event: Any) -> None:  # noqa: N802
        """Commit what the batch covered."""
        self._lag.set(sum(behind(source.endOffset, source.latestOffset) for source in event.progress.sources))
        for source in event.progress.sources:
            ends = json.loads(source.endOffset or "{}")
            offsets = [TopicPartition(topic, int(p), end) for topic, parts in ends.items() for p, end in parts.items()]
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                _log.warning("lag_not_committed", group=self._group, error=str(error.args[0]))

    def onQueryIdle(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def onQueryTerminated(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""


def behind(end: str | None, latest: str | None) -> int:
    """Events between where a batch ended and what the brokers had then; both as Spark's Kafka source tells them, JSON or nothing.

    >>> behind('{"calls": {"0": 5, "1": 7}}', '{"calls": {"0": 9, "1": 7}}'), behind(None, None)
    (4, 0)
    """
    ends: dict[str, dict[str, int]] = json.loads(end or "{}") or {}
    newest: dict[str, dict[str, int]] = json.loads(latest or "{}") or {}
    return sum(max(0, place - ends.get(topic, {}).get(part, 0)) for topic, parts in newest.items() for part, place in parts.items())
