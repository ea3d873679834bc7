from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from streaming.local.alerts import judge
from streaming.local.traffic import MOVED
from streaming.metrics.records import Alert

SHIFT = datetime(2026, 1, 31, 12, tzinfo=UTC)
BEFORE, AFTER = "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:05.000000Z"


def alert(feature: str, end: str, state: Literal["raised", "resolved"] = "raised") -> Alert:
    kind: Literal["input_drift", "output_drift"] = "output_drift" if feature == "score" else "input_drift"
    return Alert("i", end, state, kind, "d", "m", "1", feature, "psi", 1.0, 0.2, end, end, end, 10, "")


def test_exactly_what_moved_holds() -> None:
    verdict = judge([*(alert(name, AFTER) for name in MOVED), alert("score", AFTER)], SHIFT)
    assert verdict.holds
    assert verdict.complaint == ""


def test_an_alert_before_the_shift_is_a_false_alarm() -> None:
    verdict = judge([*(alert(name, AFTER) for name in MOVED), alert("score", BEFORE)], SHIFT)
    assert not verdict.holds
    assert verdict.complaint == "alerted before the shift: score"


def test_what_did_not_move_must_not_be_alerted() -> None:
    assert judge([alert(name, AFTER) for name in (*MOVED, "female")], SHIFT).complaint == "alerted, not moved: female"


def test_what_moved_must_be_alerted() -> None:
    assert judge([alert(name, AFTER) for name in MOVED[1:]], SHIFT).complaint == "moved, not alerted: contract"


def test_an_end_of_drift_is_no_alarm() -> None:
    assert judge([*(alert(name, AFTER) for name in MOVED), alert("female", BEFORE, "resolved")], SHIFT).holds
