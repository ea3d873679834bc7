"""How far behind the job is, for ordinary Kafka tools: the offsets of completed batches as those of a consumer group."""

from __future__ import annotations

import json
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pyspark.sql.streaming.listener import StreamingQueryListener

from streaming.settings import Kafka

_log = structlog.get_logger("streaming.lag")


class LagForTools(StreamingQueryListener):
    """Commits the end offsets of completed batches to a consumer group, so that ordinary tools see the lag.

    Correctness never reads them: the checkpoint is what a restart goes by.
    """

    def __init__(self, kafka: Kafka, group: str) -> None:
        super().__init__()
        self._group = group
        self._consumer = Consumer(
            {"bootstrap.servers": kafka.bootstrap_servers, **kafka.client, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )

    def onQueryStarted(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def onQueryProgress(self, event: Any) -> None:  # noqa: N802
        """Commit what the batch covered."""
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
