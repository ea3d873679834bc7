"""A worker that hangs is ended, one that waits or has no task is not: in processes of their own, as the daemon forks them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from churn_model import churn_model

from streaming.service.heartbeat import WORKERS, Beating, Board, board

DAEMON = """
import os, time
from streaming.service.heartbeat import board
board.follow()
for limit_s in (0.5, 0.0, 60.0, 2.0):  # hangs, is idle, works, works and gives signs
    if os.fork() == 0:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if limit_s == 2.0 or until - time.monotonic() > 29.9:
                board.beat(limit_s)
            time.sleep(0.05)
        os._exit(0)
time.sleep(6)
ended = []
while pid := os.waitpid(-1, os.WNOHANG)[0]:
    ended.append(pid)
print(len(ended), flush=True)
os.killpg(0, 9)
"""


def test_only_the_one_that_is_overdue_is_ended() -> None:
    daemon = subprocess.run([sys.executable, "-c", DAEMON], capture_output=True, start_new_session=True, timeout=60, check=False)
    assert daemon.stdout == b"1\n"
    assert daemon.stderr.count(b"gave no sign of life in time") == 1


def test_a_stopped_process_is_overdue_and_one_without_a_task_never() -> None:
    own = Board()
    own._next()
    own.beat(5)
    assert own.overdue(time.monotonic()) == []
    assert own.overdue(time.monotonic() + 6) == [os.getpid()]
    own.beat(0)
    assert own.overdue(time.monotonic() + 1e9) == []


def test_slots_are_given_in_turn_and_never_one_whose_worker_lives() -> None:
    own = Board()
    own._next()
    own.beat(5)
    mine, given = own._place, []
    for _ in range(WORKERS):
        own._next()
        given.append(own._place)
    assert mine not in given, "this process lives"
    assert len(set(given)) == WORKERS - 1
    assert given[0] != given[1]


def test_outside_of_a_daemon_nothing_is_written() -> None:
    board.beat(0.001)
    assert board.overdue(time.monotonic() + 10) == []


def test_a_beating_model_is_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from streaming.models.model import reference_batch

    model, beats = churn_model(), list[float]()
    monkeypatch.setattr(board, "beat", beats.append)
    beating, features = Beating(model, 7), reference_batch(model.manifest)
    assert beating.predict(features).tolist() == model.predict(features).tolist()
    assert (beating.manifest, beating.features, beats) == (model.manifest, model.features, [7, 7])
