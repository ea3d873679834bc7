"""Drift on the real churn table: quiet customers never alert, a price rise and many new customers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from streaming.drift.detect import Limits
from streaming.drift.series import Series
from streaming.metrics.records import Alert, Drift

if TYPE_CHECKING:
    from tests.drift.conftest import Telco

MOVED = {"monthly_charges", "total_charges", "tenure", "contract"}


@pytest.mark.slow
@pytest.mark.parametrize("window_events", [500, 900, 1500])
def test_held_out_customers_cycling_never_alert(telco: Telco, window_events: int) -> None:
    limits = Limits(window_s=3, window_events=window_events, psi_threshold=0.2)
    batches = telco.batches(telco.cycle(telco.held_out, 0, 30_000))
    out = telco.take_all(Series(), [telco.reference, *batches], limits)
    drifts = [record for record in out if isinstance(record, Drift)]
    assert out == drifts
    assert len(drifts) == 30_000 // window_events
    assert {drift.events for drift in drifts} == {window_events}
    assert all(len(drift.features) == 19 for drift in drifts)


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_alerts_for_what_moved_and_nothing_else(telco: Telco, seed: int) -> None:
    limits = Limits(window_s=5, window_events=500, psi_threshold=0.2)
    rng = np.random.default_rng(seed)
    quiet = telco.batches(telco.cycle(telco.held_out, 0, 6000))
    loud = telco.batches(telco.shifted(telco.cycle(telco.held_out, 6000, 6000), rng), first=60)
    alerts = [record for record in telco.take_all(Series(), [telco.reference, *quiet, *loud], limits) if isinstance(record, Alert)]
    inputs = [alert for alert in alerts if alert.kind == "input_drift"]
    assert {alert.feature for alert in inputs if alert.state == "raised"} == MOVED
    assert min(alert.window_end for alert in alerts) >= loud[0].now
    assert {alert.feature for alert in alerts} - MOVED == {"score"}


def test_a_shift_that_ends_is_resolved_once(telco: Telco) -> None:
    limits = Limits(window_s=5, window_events=900, psi_threshold=0.2)
    rng = np.random.default_rng(0)
    loud = telco.batches(telco.shifted(telco.cycle(telco.held_out, 0, 2700), rng))
    quiet = telco.batches(telco.cycle(telco.held_out, 2700, 3600), first=27)
    out = telco.take_all(Series(), [telco.reference, *loud, *quiet], limits)
    told = sorted((alert.feature, alert.state) for alert in out if isinstance(alert, Alert))
    assert told == sorted((feature, state) for feature in [*MOVED, "score"] for state in ("raised", "resolved"))
    assert {alert.since for alert in out if isinstance(alert, Alert)} == {loud[0].now}
