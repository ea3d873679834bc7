"""Waiting for what is away: with back-off, told each time, for a batch is never skipped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from streaming.errors import Unavailable
from streaming.sinks import Busy

T = TypeVar("T")
FIRST_PAUSE_S = 0.5
_log = structlog.get_logger("streaming.patience")


def patiently(
    deliver: Callable[[], T | Busy], *, part: str, pause_max_s: float, before_pause: Callable[[], None] = lambda: None
) -> tuple[T, float]:
    """Call `deliver` until it neither raises Unavailable nor returns Busy.

    What is away is asked again after pauses that double up to pause_max_s; what is busy, after the time that it asked for, within
    the same bound. part: names what waits, in the log; before_pause: called before each pause, may raise to give up.
    Returns the result, and the seconds that went by before the call that succeeded.
    """
    began = time.monotonic()
    away_s = FIRST_PAUSE_S
    while True:
        attempted = time.monotonic()
        try:
            result = deliver()
        except Unavailable as error:
            before_pause()
            _log.warning("sink_away", part=part, error=str(error), again_in_s=away_s)
            pause_s, away_s = away_s, min(away_s * 2, pause_max_s)
        else:
            if not isinstance(result, Busy):
                return result, attempted - began
            before_pause()
            pause_s = min(result.retry_after_s, pause_max_s)
            _log.warning("sink_busy", part=part, reason=result.reason, again_in_s=pause_s)
        time.sleep(pause_s)
