"""Signs of life of Spark's Python workers: one that hangs while it holds a task is ended by its daemon, and Spark does the task again.

Spark 4.0 waits for a worker without end. Our daemon (worker_daemon.py) makes a board in shared memory before it forks workers; a worker
writes there until when it will give its next sign, and the daemon ends those that are overdue: stopped, swapped out for good,
or within a call into C that never comes back. In a process that no such daemon forked, all of this does nothing.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import threading
import time
from contextlib import suppress

import pyarrow as pa

from streaming.models.artifact import Manifest
from streaming.models.model import Model, Scores

WORKERS = 512
EVERY_S = 1.0
_SLOT = struct.Struct("qd")  # process id, and when it is overdue on the monotonic clock that processes share; 0: it holds no task


class Board:
    """A slot for each worker, in memory that the daemon shares with them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, WORKERS * _SLOT.size)
        self._place: int | None = None
        self._turn = -1

    def follow(self) -> None:
        """Give each process that is forked from now on a slot, and end those that are overdue, from a daemon thread."""
        os.register_at_fork(before=self._next, after_in_parent=self._leave)
        threading.Thread(target=self._watch, name="heartbeat", daemon=True).start()

    def beat(self, limit_s: float) -> None:
        """Say that this worker lives, and that the next sign comes within limit_s; 0: it holds no task."""
        if self._place is not None:
            _SLOT.pack_into(self._memory, self._place, os.getpid(), time.monotonic() + limit_s if limit_s else 0.0)

    def overdue(self, now: float) -> list[int]:
        """Ids of the processes that should have given a sign before `now` (monotonic, s)."""
        return [pid for _, pid in self._overdue(now)]

    def _overdue(self, now: float) -> list[tuple[int, int]]:
        slots = ((place, *_SLOT.unpack_from(self._memory, place)) for place in range(0, len(self._memory), _SLOT.size))
        return [(place, pid) for place, pid, due in slots if pid and 0 < due < now]

    def _next(self) -> None:
        """A slot for the worker to be forked, whose last one is gone; none where all are in use: that worker is not watched.

        In turns: the worker forked just before may not have written into its slot yet.
        """
        self._place = None
        for _ in range(WORKERS):
            self._turn = (self._turn + 1) % WORKERS
            pid, _due = _SLOT.unpack_from(self._memory, self._turn * _SLOT.size)
            if not pid or not _lives(pid):
                self._place = self._turn * _SLOT.size
                _SLOT.pack_into(self._memory, self._place, 0, 0.0)
                return

    def _leave(self) -> None:
        self._place = None

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY_S)
            for place, pid in self._overdue(time.monotonic()):
                _SLOT.pack_into(self._memory, place, 0, 0.0)
                os.write(2, f"worker {pid} gave no sign of life in time and is ended; its task is done again\n".encode())
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # a stopped process takes no other


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


board = Board()
"""of this process, inherited by those that it forks"""


class Beating:
    """A model that gives a sign of life before each call and after it."""

    def __init__(self, model: Model, limit_s: float) -> None:
        self._model, self._limit_s = model, limit_s

    @property
    def manifest(self) -> Manifest:
        """See Model."""
        return self._model.manifest

    @property
    def features(self) -> list[str]:
        """See Model."""
        return self._model.features

    def predict(self, features: pa.RecordBatch) -> Scores:
        """See Model."""
        board.beat(self._limit_s)
        scores = self._model.predict(features)
        board.beat(self._limit_s)
        return scores
