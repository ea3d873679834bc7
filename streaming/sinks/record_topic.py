"""Where records of ours go: metrics, references, drift and alerts, keyed by deployment.

Delivery: at least once, acknowledged by all in-sync replicas; a record's id lets a reader drop a repeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streaming.metrics.records import Record, encode
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing


class RecordTopic:
    """Publishes records of ours and waits for the brokers' word."""

    def __init__(self, bootstrap_servers: str, *, client: Mapping[str, str], delivery_s: float = 60) -> None:
        self._topic = AcknowledgedTopic(bootstrap_servers, client=client, compression="lz4", delivery_s=delivery_s)

    def publish(self, topic: str, records: Sequence[Record]) -> None:
        """Send records and wait until they are acknowledged.

        Raises Unavailable: wait, then publish again. Raises TopicError if the topic will never take one: mend the topic.
        """
        self._topic.send(topic, (Outgoing(encode(record), record.deployment.encode()) for record in records))
