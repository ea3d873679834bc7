"""Waiting for what is away: with back-off, told each time, for a batch is never skipped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from streaming.errors import Unavailable

T = TypeVar("T")
FIRST_PAUSE_S = 0.5
_log = structlog.get_logger("streaming.patience")


def patiently(
    deliver: Callable[[], T], *, part: str, pause_max_s: float, before_pause: Callable[[], None] = lambda: None
) -> tuple[T, float]:
    """Call `deliver` until it does not raise Unavailable; pauses double up to pause_max_s.

    part: names what waits, in the log; before_pause: called before each pause, may raise to give up.
    Returns the result, and the seconds that went by before the call that succeeded.
    """
    began = time.monotonic()
    pause_s = FIRST_PAUSE_S
    while True:
        attempted = time.monotonic()
        try:
            return deliver(), attempted - began
        except Unavailable as error:
            before_pause()
            _log.warning("sink_away", part=part, error=str(error), again_in_s=pause_s)
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, pause_max_s)
