"""What the metric store's job tells Prometheus: bounded, whatever comes on the topic."""

from __future__ import annotations

import msgspec
from drift_records import batch, reference
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streaming.metrics.records import Record, Tracked, encode
from streaming.service.metric_figures import MOST_SERIES, MetricFigures
from streaming.sinks.metric_store.batch import Message, Strange
from streaming.sinks.metric_store.write import Written

STRANGE = Strange(Message("t", 0, 1, b"x"), "", "truncated")


def told(*records: Record, known: int = 0, strange: int = 0) -> dict[tuple[str, tuple[str, ...]], float]:
    registry = CollectorRegistry()
    figures = MetricFigures(registry)
    figures.lag(7)
    figures.add(Written([msgspec.json.decode(encode(record)) for record in records], known, [STRANGE] * strange), 0.25)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(one.name, tuple(value for _, value in sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def aggregate(**metrics: float) -> Tracked:
    times = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z", "at": "2026-01-02T00:00:00Z"}
    return Tracked("a", call="aggregate", deployment="churn_risk", metrics=metrics, **times)


def test_the_jobs_own_work_is_counted() -> None:
    found = told(batch(0), batch(1), known=2, strange=3)
    assert found["scoring_metric_records_total", ("metrics",)] == 2
    assert (found["scoring_metric_records_known_total", ()], found["scoring_metric_messages_unknown_total", ()]) == (2, 3)
    assert (found["scoring_metric_store_lag", ()], found["scoring_metric_write_seconds_sum", ()]) == (7, 0.25)


def test_the_newest_values_and_the_age_of_models_are_shown() -> None:
    found = told(aggregate(accuracy=0.5), aggregate(accuracy=0.9), reference())
    assert found["scoring_figure", ("churn_risk", "tracked.accuracy", "", "", "")] == 0.9
    assert found["scoring_model_age_seconds", ("churn_risk", "churn", "3")] > 0


def test_series_without_end_are_cut_and_counted() -> None:
    found = told(aggregate(**{f"m{number}": 1.0 for number in range(MOST_SERIES + 50)}))
    assert len([name for name, _ in found if name == "scoring_figure"]) == MOST_SERIES
    assert found["scoring_figures_left_out", ()] == 50
