"""Shifts put into the real churn table: each is found, named and dated, through the detection as the job runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
import pytest
from drift_records import now

from streaming.drift.detect import Limits
from streaming.drift.series import Series, decode, encode
from streaming.metrics.records import Alert, Drift
from streaming.metrics.records import encode as encode_record

if TYPE_CHECKING:
    from tests.drift.conftest import Telco

LIMITS = Limits(window_s=4, window_events=500, psi_threshold=0.2)
QUIET, LOUD = 4000, 2500  # customers: the shift begins with the ninth window
MIDDLE = QUIET + 200  # … or in the middle of it
BEGIN = QUIET // 100  # its first batch, a second each


def price(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(monthly_charges=frame["monthly_charges"] * 1.25)


def contract_mix(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(contract=frame["contract"].where(np.arange(len(frame)) % 5 < 2, "Month-to-month"))


def cents(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(monthly_charges=frame["monthly_charges"] * 100)


def broken_join(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(tenure=frame["tenure"].astype(float).where(np.arange(len(frame)) % 5 != 0))


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(contract=frame["contract"].replace("Month-to-month", "Monthly"))


def dearer_for_some(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        monthly_charges=frame["monthly_charges"].where(frame["payment_method"] != "Mailed check", frame["monthly_charges"] * 3)
    )


def published(telco: Telco, shift: Callable[[pd.DataFrame], pd.DataFrame], loud: int = LOUD, quiet: int = QUIET) -> list[Drift | Alert]:
    """What comes of quiet customers and then of shifted ones."""
    before = telco.batches(telco.cycle(telco.held_out, 0, quiet))
    after = telco.batches(shift(telco.cycle(telco.held_out, quiet, loud)), first=quiet // 100)
    return telco.take_all(Series(), [telco.reference, *before, *after], LIMITS)


@pytest.mark.parametrize(
    ("shift", "feature", "told"),
    [
        (price, "monthly_charges", "every value is about 1.2"),
        (contract_mix, "contract", "the share of 'Month-to-month' went from 5"),
        (cents, "monthly_charges", "100 times as large: a change of unit (cents for euros"),
        (broken_join, "tenure", "20.0% have no value, 0.0% in training: look for a broken join"),
        (renamed, "contract", "'Month-to-month' fell from 5"),
    ],
)
def test_a_shift_is_found_named_and_dated(telco: Telco, shift: Callable[[pd.DataFrame], pd.DataFrame], feature: str, told: str) -> None:
    out = published(telco, shift)
    raised = [alert for alert in out if isinstance(alert, Alert) and alert.kind == "input_drift"]
    assert [(alert.feature, alert.state) for alert in raised] == [(feature, "raised")]
    (alert,) = raised
    assert told in alert.suggestion
    assert (alert.changed_at, alert.since) == (now(BEGIN), now(BEGIN))
    assert (alert.severity, alert.first_seen) == ("critical" if alert.value > 0.5 else "warning", alert.window_end)
    assert alert.evidence["psi"] == alert.value
    last = [record for record in out if isinstance(record, Drift)][-1]
    assert last.leading == [feature]
    assert last.features[feature].changed_at == alert.changed_at


def test_a_change_is_dated_by_the_window_that_holds_it_or_the_first_whole_one(telco: Telco) -> None:
    out = published(telco, contract_mix, loud=LOUD - 200, quiet=MIDDLE)
    (alert,) = [alert for alert in out if isinstance(alert, Alert) and alert.kind == "input_drift"]
    assert alert.changed_at in (now(BEGIN), now(BEGIN + 5))


def test_a_shift_of_one_slice_is_found_there_and_not_elsewhere(telco: Telco) -> None:
    out = published(telco.by("payment_method"), dearer_for_some, loud=4600)
    raised = {(alert.slice, alert.feature) for alert in out if isinstance(alert, Alert) and alert.kind == "input_drift"}
    assert ("payment_method=Mailed check", "monthly_charges") in raised
    assert {where for where, _ in raised} <= {"", "payment_method=Mailed check"}
    (alert,) = [
        each for each in out if isinstance(each, Alert) and (each.slice, each.feature) == ("payment_method=Mailed check", "monthly_charges")
    ]
    assert "where payment_method=Mailed check has drifted" in alert.message
    starts = [record.window_start for record in out if isinstance(record, Drift) and record.slice == alert.slice]
    assert alert.changed_at in starts
    assert alert.window_end >= now(BEGIN)


def test_what_matters_to_the_model_leads(telco: Telco) -> None:
    both = telco.by("payment_method")
    both.reference = msgspec.structs.replace(both.reference, slices={}, importance={"contract": 0.9, "monthly_charges": 0.01})
    out = published(both, lambda frame: cents(contract_mix(frame)))
    last = [record for record in out if isinstance(record, Drift)][-1]
    assert last.leading == ["contract", "monthly_charges"]
    assert last.features["monthly_charges"].value > last.features["contract"].value, "it moved further, and hurts less"
    severities = {alert.feature: alert.severity for alert in out if isinstance(alert, Alert) and alert.kind == "input_drift"}
    assert severities["monthly_charges"] == "info"
    assert severities["contract"] in ("warning", "critical")


def test_other_measures_alert_where_they_are_asked_to(telco: Telco) -> None:
    limits = msgspec.structs.replace(LIMITS, psi_threshold=50.0, alert_on=("ks", "missing_share"), thresholds={"ks": 0.25})
    shifted = telco.batches(cents(broken_join(telco.cycle(telco.held_out, 0, 500))))
    out = telco.take_all(Series(), [telco.reference, *shifted], limits)
    told = {alert.feature: (alert.measure, alert.threshold) for alert in out if isinstance(alert, Alert) and alert.kind == "input_drift"}
    assert told == {"monthly_charges": ("ks", 0.25), "tenure": ("missing_share", 0.02)}


def test_a_window_is_compared_with_the_one_before_and_the_one_a_season_ago(telco: Telco) -> None:
    limits = msgspec.structs.replace(LIMITS, season_windows=3)
    quiet = telco.batches(telco.cycle(telco.held_out, 0, 2000))
    loud = telco.batches(cents(telco.cycle(telco.held_out, 2000, 2000)), first=20)
    drifts = [out for out in telco.take_all(Series(), [telco.reference, *quiet, *loud], limits) if isinstance(out, Drift)]
    against = [{name: each["psi"].drifted for name, each in drift.features["monthly_charges"].measures.items()} for drift in drifts]
    assert against[0] == {"training": False}
    assert against[1] == {"training": False, "previous": False}
    assert against[3] == {"training": False, "previous": False, "season": False}
    assert against[4] == {"training": True, "previous": True, "season": True}
    assert against[5] == {"training": True, "previous": False, "season": True}
    assert against[7] == {"training": True, "previous": False, "season": False}
    assert "ks" in drifts[1].features["tenure"].measures["previous"]
    assert "ks" not in drifts[3].features["tenure"].measures["season"], "sketches of a season would be most of the memory"


def test_a_replay_of_sketches_gives_the_same_bytes_and_the_memory_stays(telco: Telco) -> None:
    records = [telco.reference, *telco.batches(telco.cycle(telco.held_out, 0, 6000))]
    runs = [[encode_record(out) for out in telco.take_all(Series(), records, LIMITS)] for _ in range(2)]
    assert runs[0] == runs[1]
    limits = msgspec.structs.replace(LIMITS, season_windows=2)
    series, sizes = Series(), []
    for record in records:
        telco.take_all(series, [record, record], limits)
        series = decode(encode(series))
        sizes.append(len(encode(series)))
    assert max(sizes[40:]) <= max(sizes[:40]) * 1.1
