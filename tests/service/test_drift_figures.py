"""What the drift job tells of itself."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from streaming.metrics.records import Alert, Drift, FeatureDrift
from streaming.metrics.sketches import Histogram
from streaming.service.drift_figures import DriftFigures

TIME = "2026-01-02T12:00:00.000000Z"


def window(value: float) -> Drift:
    measured = FeatureDrift("psi", value, 0.2, value > 0.2, None, Histogram([1]))
    return Drift("d/1", TIME, "churn_risk", "churn", "3", TIME, TIME, 500, {"tenure": measured}, measured)


def alert(state: str) -> Alert:
    return Alert(
        "a/1", TIME, state, "input_drift", "churn_risk", "churn", "3", "tenure", "psi", 0.3, 0.2, TIME, TIME, TIME, 500, "tenure moved",  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_a_batch_is_one_line_and_its_windows_are_figures(registry: CollectorRegistry) -> None:
    figures = DriftFigures(registry)
    with capture_logs() as logs:
        figures.add(7, [window(0.1), window(0.3), alert("raised")])
    assert logs == [{"event": "batch", "log_level": "info", "batch": 7, "windows": 2, "alerts": ["raised tenure"]}]
    told = generate_latest(registry).decode()
    series = 'deployment="churn_risk",'
    assert f'scoring_drift{{{series}feature="tenure",measure="psi",model="churn",version="3"}} 0.3' in told
    assert f'scoring_drift{{{series}feature="score",measure="psi",model="churn",version="3"}} 0.3' in told
    assert f'scoring_drift_windows_total{{{series}model="churn",version="3"}} 2.0' in told
    assert 'scoring_drift_alerts_total{kind="input_drift",state="raised"} 1.0' in told


def test_a_batch_that_published_nothing_is_told_too(registry: CollectorRegistry) -> None:
    with capture_logs() as logs:
        DriftFigures(registry).add(8, [])
    assert [(entry["batch"], entry["windows"], entry["alerts"]) for entry in logs] == [(8, 0, [])]
