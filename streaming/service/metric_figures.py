"""What the metric store's job tells Prometheus: its own work, and the newest of what others publish (quality, drift, model age)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streaming.metrics.points import points
from streaming.metrics.series import Series
from streaming.sinks.metric_store.write import Written

MOST_SERIES = 2_000
"""Newest values shown at a time, and models whose age is: what comes beyond is counted, not shown"""
_KINDS = ("tracked", "metrics", "reference", "drift", "estimate", "quality", "alert", "gap")
_log = structlog.get_logger("streaming.metric_store")


class Newest(Collector):
    """The newest value of each series of single values, and the age of each model. Bounded: the first MOST_SERIES stay."""

    def __init__(self) -> None:
        self._values: dict[Series, float] = {}
        self._trained: dict[tuple[str, str, str], float] = {}
        self.left_out = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a record's values in; a micro-batch has none."""
        if record["record"] == "metrics":
            return
        for value in points(record).values:
            if value.series in self._values or len(self._values) < MOST_SERIES:
                self._values[value.series] = value.value
            else:
                self.left_out += 1
        if record["record"] == "reference" and len(self._trained) < MOST_SERIES:
            self._trained[record["deployment"], record["model"], record["model_version"]] = datetime.fromisoformat(
                record["trained_at"]
            ).timestamp()

    def collect(self) -> Iterable[Metric]:
        """Both families."""
        names = ["deployment", "model", "version", "figure", "label"]
        values = GaugeMetricFamily("scoring_figure", "Newest value of a figure on the metrics topic", labels=names)
        for series, value in list(self._values.items()):
            values.add_metric([series.deployment, series.model, series.version, series.name, series.label], value)
        ages = GaugeMetricFamily("scoring_model_age_seconds", "Time since a model version was trained", labels=names[:3])
        for model, trained in list(self._trained.items()):
            ages.add_metric(list(model), time.time() - trained)
        left_out = GaugeMetricFamily("scoring_figures_left_out", "Values of series beyond those shown", value=self.left_out)
        return [values, ages, left_out]


class MetricFigures:
    """Figures of the job; their number is bounded whatever comes on the topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter("scoring_metric_records", "Records stored, by kind", ["kind"], registry=registry)
        self._known = Counter("scoring_metric_records_known", "Records that came again and changed nothing", registry=registry)
        self._strange = Counter("scoring_metric_messages_unknown", "Messages kept raw: no records, or of unknown kinds", registry=registry)
        self._seconds = Histogram("scoring_metric_write_seconds", "Duration of a transaction", registry=registry)
        self._lag = Gauge("scoring_metric_store_lag", "Messages of the metrics topic that are not in the store", registry=registry)
        self._newest = Newest()
        registry.register(self._newest)

    def lag(self, messages: int) -> None:
        """How many messages are not in the store yet."""
        self._lag.set(messages)

    def add(self, written: Written, seconds: float) -> None:
        """Count what a batch has written, and log what is strange."""
        for record in written.records:
            self._records.labels(record["record"] if record["record"] in _KINDS else "other").inc()
            self._newest.add(record)
        self._known.inc(written.known)
        self._strange.inc(len(written.strange))
        self._seconds.observe(seconds)
        for strange in written.strange[:5]:
            _log.warning("message_unknown", partition=strange.message.partition, offset=strange.message.offset, fault=strange.fault)
        _log.info("batch", records=len(written.records), known=written.known, unknown=len(written.strange), seconds=round(seconds, 4))
