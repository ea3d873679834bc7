"""What the drift job tells of itself: one log line a batch, and drift, windows and alerts for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from streaming.metrics.records import Alert, Drift, Record

_log = structlog.get_logger("streaming.drift")
_SERIES = ("deployment", "model", "version")


class DriftFigures:
    """Figures of the drift job; their number follows the features of the versions that serve, not events or days."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._drift = Gauge("scoring_drift", "Measure of the last window", [*_SERIES, "feature", "measure"], registry=registry)
        self._windows = Counter("scoring_drift_windows", "Windows closed", _SERIES, registry=registry)
        self._alerts = Counter("scoring_drift_alerts", "Alerts published", ["state", "kind"], registry=registry)

    def add(self, batch_id: int, records: Sequence[Record]) -> None:
        """Count what a batch has published, and log it."""
        # A slice's figures are on the topic: here their number would follow the values that columns have.
        windows = [record for record in records if isinstance(record, Drift) and not record.slice]
        alerts = [record for record in records if isinstance(record, Alert)]
        for window in windows:
            series = (window.deployment, window.model, window.model_version)
            self._windows.labels(*series).inc()
            for name, feature in {**window.features, "score": window.score}.items():
                told = {measure: each.value for measure, each in feature.measures.get("training", {}).items()}
                for measure, value in (told or {feature.measure: feature.value}).items():
                    self._drift.labels(*series, name, measure).set(value)
        for alert in alerts:
            self._alerts.labels(alert.state, alert.kind).inc()
        _log.info("batch", batch=batch_id, windows=len(windows), alerts=[f"{alert.state} {alert.feature}" for alert in alerts])
