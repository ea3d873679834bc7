"""A limit on a call's time, by a real timer."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from streaming.steps.deadline import TooSlow, within


def test_what_takes_too_long_is_interrupted_and_what_does_not_is_left_alone() -> None:
    with within(60):
        pass
    with pytest.raises(TooSlow), within(0.05):
        re.fullmatch(r"(a+)+b", "a" * 60)  # for longer than the universe has been
    time.sleep(0.1)


def test_code_that_catches_every_exception_does_not_catch_it() -> None:
    def stubborn() -> None:
        while True:
            try:
                time.sleep(10)
            except Exception:  # noqa: BLE001
                continue

    with pytest.raises(TooSlow), within(0.05):
        stubborn()


def test_zero_is_no_limit_and_another_thread_has_none() -> None:
    with within(0):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    done = []

    def elsewhere() -> None:
        with within(0.01):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert done


def test_a_timer_that_ran_before_rings_when_it_would_have() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.6)
    began = time.monotonic()
    try:
        with within(5):
            time.sleep(0.05)
        assert not rung
        time.sleep(0.7)
        with within(5):
            pass
        assert len(rung) == 1
        assert rung[0] - began > 0.5, "not when the block ended"
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with within(5):
            time.sleep(0.1)
        time.sleep(0.01)
        assert len(rung) == 2, "one that would have rung meanwhile rings at once"
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)
