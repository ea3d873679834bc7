"""Waiting for what is away."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from streaming.errors import StoreError, Unavailable
from streaming.patience import patiently
from streaming.sinks import Busy


class Away:
    """Away for the first calls."""

    def __init__(self, calls: int, error: type[Exception] = Unavailable) -> None:
        self.left, self.error, self.called = calls, error, 0

    def __call__(self) -> str:
        self.called += 1
        if self.called <= self.left:
            raise self.error("nobody answers")
        return "done"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.patience.FIRST_PAUSE_S", 0.001)


def test_what_is_there_is_not_waited_for() -> None:
    with capture_logs() as logs:
        result, waited_s = patiently(Away(0), part="store", pause_max_s=1)
    assert (result, logs) == ("done", [])
    assert waited_s < 0.001


def test_what_is_away_is_told_each_time_with_pauses_that_double_up_to_the_longest() -> None:
    away = Away(5)
    with capture_logs() as logs:
        result, waited_s = patiently(away, part="store", pause_max_s=0.004)
    assert (result, away.called) == ("done", 6)
    assert [entry["again_in_s"] for entry in logs] == [0.001, 0.002, 0.004, 0.004, 0.004]
    assert {(entry["event"], entry["part"], entry["error"]) for entry in logs} == {("sink_away", "store", "nobody answers")}
    assert waited_s >= 0.015


def test_another_error_is_not_waited_for() -> None:
    with pytest.raises(StoreError):
        patiently(Away(1, StoreError), part="store", pause_max_s=1)


def test_who_waits_may_give_up_before_a_pause() -> None:
    def give_up() -> None:
        raise InterruptedError

    away = Away(99)
    with pytest.raises(InterruptedError):
        patiently(away, part="store", pause_max_s=1, before_pause=give_up)
    assert away.called == 1


def test_what_is_busy_is_asked_again_when_it_said_and_no_later_than_the_longest_pause() -> None:
    answers: list[str | Busy] = [Busy("too many", 0.002), Busy("too many", 60), "done"]
    with capture_logs() as logs:
        result, waited_s = patiently(lambda: answers.pop(0), part="store", pause_max_s=0.004)
    assert result == "done"
    assert [(entry["event"], entry["reason"], entry["again_in_s"]) for entry in logs] == [
        ("sink_busy", "too many", 0.002),
        ("sink_busy", "too many", 0.004),
    ]
    assert waited_s >= 0.006
