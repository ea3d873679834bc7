from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from streaming.cli.demo import FEWEST_EVENTS, SHORTEST_S
from streaming.config import read_toml
from streaming.local.alerts import judge
from streaming.local.traffic import MOVED
from streaming.metrics.records import Alert, Drift, FeatureDrift
from streaming.metrics.sketches import Histogram

SHIFT = datetime(2026, 1, 31, 12, tzinfo=UTC)
BEFORE, AFTER = "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:05.000000Z"


def alert(feature: str, end: str, state: Literal["raised", "resolved"] = "raised") -> Alert:
    kind: Literal["input_drift", "output_drift"] = "output_drift" if feature == "score" else "input_drift"
    return Alert("i", end, state, kind, "d", "m", "1", feature, "psi", 1.0, 0.2, end, end, end, 10, "")


def window(end: str) -> Drift:
    quiet = FeatureDrift("psi", 0.0, 0.2, False, None, Histogram([10]))
    return Drift(f"d/{end}", end, "d", "m", "1", end, end, 10, {}, quiet)


def test_exactly_what_moved_holds() -> None:
    verdict = judge([window(BEFORE), *(alert(name, AFTER) for name in MOVED), alert("score", AFTER)], SHIFT)
    assert verdict.holds
    assert verdict.complaint == ""


def test_an_alert_before_the_shift_is_a_false_alarm() -> None:
    verdict = judge([window(BEFORE), *(alert(name, AFTER) for name in MOVED), alert("score", BEFORE)], SHIFT)
    assert not verdict.holds
    assert verdict.complaint == "alerted before the shift: score"


def test_what_did_not_move_must_not_be_alerted() -> None:
    assert judge([window(BEFORE), *(alert(name, AFTER) for name in (*MOVED, "female"))], SHIFT).complaint == "alerted, not moved: female"


def test_what_moved_must_be_alerted() -> None:
    assert judge([window(BEFORE), *(alert(name, AFTER) for name in MOVED[1:])], SHIFT).complaint == "moved, not alerted: contract"


def test_an_end_of_drift_is_no_alarm() -> None:
    assert judge([window(BEFORE), *(alert(name, AFTER) for name in MOVED), alert("female", BEFORE, "resolved")], SHIFT).holds


@pytest.mark.parametrize("windows", [[], [window(AFTER)]])
def test_without_a_window_before_the_shift_no_alert_says_nothing(windows: list[Drift]) -> None:
    verdict = judge([*windows, *(alert(name, AFTER) for name in MOVED)], SHIFT)
    assert not verdict.holds
    assert verdict.complaint == "no window closed before the shift"


def test_a_window_told_twice_is_counted_once() -> None:
    assert judge([window(BEFORE), window(BEFORE), window(AFTER)], SHIFT).windows_before == 1


def test_the_shortest_demo_closes_windows_before_its_shift() -> None:
    """`--events 5000`, and the fewest: half of them holds a window's events and lasts two windows."""
    drift = read_toml(Path("conf/local.toml"))["drift"]
    assert 2 * drift["window_s"] + drift["trigger_s"] < SHORTEST_S / 2
    assert 2 * drift["window_events"] < FEWEST_EVENTS / 2
