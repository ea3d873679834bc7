"""What the label join tells of itself for Prometheus: labels by what they came to, coverage, maturity and quality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from streaming.metrics.quality_record import Quality

_SERIES = ("deployment", "model", "version", "population")


class LabelFigures:
    """Figures of the label join; their number follows the model versions of the newest windows, not labels or slices."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._labels = Counter("scoring_labels", "Labels by what they came to", ["deployment", "verdict"], registry=registry)
        self._windows = Counter("scoring_quality_windows", "Windows computed, again and again", ["deployment"], registry=registry)
        self._coverage = Gauge(
            "scoring_label_coverage", "Share of the newest window's predictions with a label", _SERIES, registry=registry
        )
        self._maturity = Gauge("scoring_label_maturity", "Share of its labels expected by now that came", _SERIES, registry=registry)
        self._quality = Gauge("scoring_quality", "Figures of the newest window with labels", [*_SERIES, "figure"], registry=registry)
        self._newest = ""

    def took(self, deployment: str, counted: Mapping[str, int]) -> None:
        """Count labels."""
        for verdict, labels in counted.items():
            self._labels.labels(deployment, verdict).inc(labels)

    def made(self, records: Iterable[Quality]) -> None:
        """Show the figures of the newest window; an older one that is computed again leaves them as they are."""
        for record in records:
            if record.slice:
                continue
            self._windows.labels(record.deployment).inc()
            if record.window_start >= self._newest and any(group.labels for group in record.groups):
                self._show(record)

    def _show(self, record: Quality) -> None:
        self._newest = record.window_start
        for gauge in (self._coverage, self._maturity, self._quality):
            gauge.clear()
        for group in record.groups:
            if group.variant != "*":
                continue
            series = (record.deployment, group.model, group.model_version, group.population)
            self._coverage.labels(*series).set(group.coverage)
            if group.maturity is not None:
                self._maturity.labels(*series).set(group.maturity)
            for name, figure in group.figures.items():
                self._quality.labels(*series, name).set(figure.value)
