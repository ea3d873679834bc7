"""From the tallies of a batch's tasks to the records on the metrics topic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streaming.errors import Unavailable
from streaming.metrics.records import Group, Metrics, Record, Reference, encode
from streaming.metrics.sketches import Histogram
from streaming.metrics.tally import Tally
from streaming.models.artifact import Manifest
from streaming.models.plan import Plan
from streaming.records import rfc3339


def metrics_record(plan: Plan, tally: Tally, *, duration_ms: float) -> Metrics:
    """The one metrics record of a micro-batch. Counts do not depend on how the batch was cut into tasks."""
    champion = plan.champion
    group = Group(
        variant=champion.variant,
        role=champion.role,
        model=champion.name,
        model_version=champion.version,
        model_sha256=champion.sha256,
        schema_version=plan.schema_version,
        scored=tally.scored,
        features=tally.features,
        score=tally.score or Histogram([]),
        score_sum=tally.score_sum,
        score_sum_squares=tally.score_sum_squares,
    )
    return Metrics(
        id=f"{plan.plan_id}/0",
        at=rfc3339(datetime.now(UTC)),
        now=rfc3339(plan.now),
        deployment=plan.deployment,
        stream=plan.stream,
        query_id=plan.query_id,
        batch_id=plan.batch_id,
        chunk=0,
        chunks=1,
        plan_id=plan.plan_id,
        offsets=plan.offsets,
        events=tally.events,
        scored=tally.scored,
        repeated=tally.repeated,
        rejected=tally.rejected,
        rejected_by_reason=tally.rejected_by_reason,
        groups=[group] if tally.scored else [],
        latency_ms=tally.latency_ms,
        parts_ms={name: round(ms, 3) for name, ms in tally.parts_ms.items()},
        duration_ms=round(duration_ms, 3),
        events_per_s=round(tally.events / max(duration_ms, 0.001) * 1000, 3),
        waited_s=round(tally.waited_s, 3),
    )


def reference_record(plan: Plan, manifest: Manifest) -> Reference:
    """What the drift job compares with: the frozen bins and training counts of the version that serves."""
    champion = plan.champion
    return Reference(
        id=f"reference/{plan.deployment}/{champion.name}/{champion.version}/{champion.sha256}",
        at=rfc3339(datetime.now(UTC)),
        deployment=plan.deployment,
        model=champion.name,
        model_version=champion.version,
        model_sha256=champion.sha256,
        bins={name: known.bins for name, known in manifest.distributions.items()},
        counts={name: known.counts for name, known in manifest.distributions.items()},
        score_bins=manifest.score.bins,
        score_counts=manifest.score.counts,
        trained_at=manifest.trained_at,
    )


class RecordTopic:
    """Publishes records of ours, keyed by deployment, and waits for the brokers' word.

    Delivery: at least once, acknowledged by all replicas; a record's id lets a reader drop a repeat.
    """

    def __init__(self, bootstrap_servers: str, *, client: Mapping[str, str], delivery_s: float = 60) -> None:
        self._delivery_s = delivery_s
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                **client,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "compression.type": "lz4",
                "delivery.timeout.ms": int(delivery_s * 1000),
            }
        )

    def publish(self, topic: str, records: list[Record]) -> None:
        """Send records and wait until they are acknowledged. Raises Unavailable: wait, then publish again."""
        self._failure = None
        try:
            for record in records:
                self._producer.produce(topic, encode(record), record.deployment.encode(), on_delivery=self._delivered)
        except (KafkaException, BufferError) as error:
            raise Unavailable(f"topic {topic}: {error}") from None
        left = self._producer.flush(self._delivery_s + 5)
        if left or self._failure is not None:
            raise Unavailable(f"topic {topic} did not take {left or 'some'} records: {self._failure or 'time is out'}")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failure = error
