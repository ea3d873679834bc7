"""The topic of predictions, `<event>.predictions`: one record for each prediction that stands, keyed by entity, for whoever follows.

Delivery: at least once, acknowledged by all in-sync replicas before `write` returns. After a crash a record may come again:
a reader drops prediction ids that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
import pyarrow as pa

from streaming.records import PREDICTION, rfc3339
from streaming.sinks import STANDS, Delivery
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing

VERSION = 2
_TIMES = ("event_time", "received_at", "scored_at")


class PredictionTopic:
    """Publishes predictions as records of the schema `prediction`, version 2; holds one producer.

    An entity's records lie in one partition in the order in which they were scored, which need not be that of their event times.
    """

    delivery = Delivery.AT_LEAST_ONCE

    def __init__(self, bootstrap_servers: str, topic: str, *, client: Mapping[str, str], delivery_s: float = 60) -> None:
        self._name = topic
        self._topic = AcknowledgedTopic(bootstrap_servers, client=client, compression="lz4", delivery_s=delivery_s)

    def write(self, predictions: pa.RecordBatch) -> np.ndarray:
        """See Sink.write. Raises Unavailable, TopicError."""
        self._topic.send(self._name, _messages(predictions))
        return np.full(predictions.num_rows, STANDS, dtype=np.uint8)

    def close(self) -> None:
        """Nothing waits: all was acknowledged."""


def _messages(predictions: pa.RecordBatch) -> Iterator[Outgoing]:
    for row in predictions.select(PREDICTION.names).to_pylist():
        times = {name: rfc3339(row[name]) for name in _TIMES}
        value = msgspec.json.encode({"record": "prediction", "version": VERSION, **row, **times})
        yield Outgoing(value, row["entity_id"].encode())
