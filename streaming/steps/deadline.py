"""A limit on how long a call may take.

The limit is a timer signal, so it interrupts what runs Python code now and then: loops, regular expressions, pandas, an
estimator of many parts. One call into C that never comes back to Python is not interrupted. Signals reach the main thread
alone; it is where Spark's workers run. In another thread there is no limit.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class TooSlow(BaseException):
    """The call took longer than it may. No Exception: a model that catches those must not catch this."""


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Raise TooSlow in the block once it has run for `limit_s` seconds; 0: no limit. A timer that ran before goes on after it."""
    if not limit_s or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGALRM, _interrupt)
    began = time.monotonic()
    left_s, interval_s = signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left_s:
            # One that would have rung meanwhile rings at once.
            signal.setitimer(signal.ITIMER_REAL, max(left_s - (time.monotonic() - began), 1e-6), interval_s)


def _interrupt(*_: object) -> None:
    raise TooSlow
