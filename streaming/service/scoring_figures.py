"""What the scoring job tells of itself: one log line a batch, and what its records count for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from streaming.metrics.records import Metrics
from streaming.metrics.sketches import LATENCY_BASE, LatencySketch, latency_quantile, merge_latencies
from streaming.metrics.tally import OTHER
from streaming.micro_batch.gather import MOST_NAMES

_LATENCY_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
_log = structlog.get_logger("streaming.batch")


class LatencyCollector(Collector):
    """The latency sketches of all batches as one Prometheus histogram: its cost does not grow with the number of events."""

    def __init__(self) -> None:
        self._sketch: LatencySketch = {}

    def add(self, sketch: LatencySketch) -> None:
        """Add a batch's sketch."""
        self._sketch = merge_latencies([self._sketch, sketch])

    def collect(self) -> Iterable[Metric]:
        """The histogram in seconds."""
        bins = [(LATENCY_BASE ** int(place) / 1000, n) for place, n in self._sketch.items()]
        buckets = [(str(edge), float(sum(n for s, n in bins if s <= edge))) for edge in _LATENCY_S]
        total = sum(n for _, n in bins)
        family = HistogramMetricFamily("scoring_latency_seconds", "Producer's timestamp to row readable")
        family.add_metric([], [*buckets, ("+Inf", float(total))], sum(s * n for s, n in bins))
        yield family


class ScoringFigures:
    """Figures of the scoring job; their number follows the reasons and the versions that serve, not events or days."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter("scoring_events", "Events by outcome", ["outcome"], registry=registry)
        self._rejected = Counter("scoring_rejected", "Rejected events by reason", ["reason"], registry=registry)
        self._producers = Counter("scoring_rejected_by_producer", "Rejected events by producer", ["producer"], registry=registry)
        self._versions = Counter(
            "scoring_rejected_by_schema_version", "Rejected events by schema version", ["schema_version"], registry=registry
        )
        self._replayed = Counter("scoring_replayed", "Events of the replay topic by outcome", ["outcome"], registry=registry)
        self._names: dict[str, set[str]] = {}
        self._latency = LatencyCollector()
        registry.register(self._latency)
        self._batch = Histogram("scoring_batch_seconds", "Duration of a micro-batch", buckets=_LATENCY_S, registry=registry)
        self._part = Gauge("scoring_batch_part_seconds", "Parts of the last micro-batch", ["part"], registry=registry)
        self._model = Gauge("scoring_model_info", "Serving version", ["model", "version"], registry=registry)
        self._waited = Counter("scoring_sink_wait_seconds", "Time spent waiting for a sink that was away", registry=registry)

    def add(self, record: Metrics) -> None:
        """Count what a batch's record tells, and log it."""
        for outcome in ("scored", "repeated", "rejected"):
            self._events.labels(outcome).inc(getattr(record, outcome))
        self._count_rejected(record)
        for outcome, n in record.replayed.items():
            self._replayed.labels(outcome).inc(n)
        self._latency.add(record.latency_ms)
        self._batch.observe(record.duration_ms / 1000)
        for part, ms in record.parts_ms.items():
            self._part.labels(part).set(ms / 1000)
        self._waited.inc(record.waited_s)
        if record.groups:
            self._model.clear()  # a version that serves no more must not stay at 1
        for group in record.groups:
            self._model.labels(group.model, group.model_version).set(1)
        _tell(record)

    def _count_rejected(self, record: Metrics) -> None:
        for reason, n in record.rejected_by_reason.items():
            self._rejected.labels(reason).inc(n)
        for producer, n in record.rejected_by_producer.items():
            self._producers.labels(self._named("producer", producer)).inc(n)
        for version, n in record.rejected_by_schema_version.items():
            self._versions.labels(self._named("schema_version", version)).inc(n)

    def _named(self, label: str, name: str) -> str:
        """A label's value that a producer chose: the first 20 as they are, "other" for all that come after them."""
        known = self._names.setdefault(label, set())
        if len(known) < MOST_NAMES:
            known.add(name)
        return name if name in known else OTHER


def _tell(record: Metrics) -> None:
    _log.info(
        "batch",
        batch=record.batch_id,
        events=record.events,
        scored=record.scored,
        repeated=record.repeated,
        rejected=record.rejected,
        duration_ms=record.duration_ms,
        latency_p95_ms=latency_quantile(record.latency_ms, 0.95) if record.latency_ms else None,
        model_version=record.groups[0].model_version if record.groups else None,
        parts_ms=record.parts_ms,
    )
