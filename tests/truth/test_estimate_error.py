"""An estimate held to the labels that came: signs, bands, repeats."""

from __future__ import annotations

import math

import msgspec
import pytest

from streaming.metrics.estimate_records import Estimate, Figure, Measured
from streaming.metrics.records import decode, encode
from streaming.truth.estimate_error import errors, hold_to_truth

AT = "2026-03-04T05:06:07.000000Z"
FIGURES = {"auroc": Figure(0.8, 0.7, 0.9), "f1": Figure(0.6, 0.5, 0.7)}


def an_estimate(start: str = AT) -> Estimate:
    return Estimate("e", AT, "d", "m", "1", start, start, 100, "confidence", "scores", "none", 0.95, 1000, FIGURES)


def test_an_error_is_estimated_minus_measured() -> None:
    held = hold_to_truth(an_estimate(), {"auroc": 0.75, "f1": 0.8, "lift": 2.0}, 60, at=AT)
    assert held.labelled == 60
    assert held.measured["auroc"].error == pytest.approx(0.05)
    assert held.measured["auroc"].within
    assert held.measured["f1"].error == pytest.approx(-0.2)
    assert not held.measured["f1"].within
    assert set(held.measured) == {"auroc", "f1"}


def test_what_labels_leave_undefined_is_left_out() -> None:
    assert hold_to_truth(an_estimate(), {"auroc": math.nan}, 1, at=AT).measured == {}


def test_more_labels_make_another_record_and_the_same_ones_the_same() -> None:
    first, again, more = (hold_to_truth(an_estimate(), {"auroc": 0.7}, rows, at=AT) for rows in (10, 10, 11))
    assert first.id == again.id
    assert len({first.id, more.id, an_estimate().id}) == 3


def test_of_a_windows_repeats_the_last_counts() -> None:
    windows = [an_estimate(f"2026-03-0{day}T00:00:00.000000Z") for day in (1, 2)]
    told = [hold_to_truth(windows[0], {"auroc": 0.2}, 5, at=AT), hold_to_truth(windows[0], {"auroc": 0.7}, 9, at=AT)]
    told += [hold_to_truth(windows[1], {"auroc": 0.95}, 9, at=AT), windows[1]]
    found = errors(told)["auroc"]
    assert found.windows == 2
    assert found.bias == pytest.approx((0.1 - 0.15) / 2)
    assert found.mean_absolute_error == pytest.approx(0.125)
    assert found.within == 0.5


def test_without_labels_there_is_no_error() -> None:
    assert errors([an_estimate()]) == {}


def test_a_held_estimate_survives_its_bytes() -> None:
    held = msgspec.structs.replace(an_estimate(), measured={"auroc": Measured(0.7, 0.1, within=True)})
    assert decode(encode(held)) == held
