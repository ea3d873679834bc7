"""Windows of event time: which hold a moment, which are to be computed, and which have matured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOUCH = """
    INSERT INTO quality_window AS w (deployment, window_start, window_end) VALUES (%s, %s, %s)
    ON CONFLICT (deployment, window_start, window_end) DO UPDATE SET touched = w.touched + 1
    RETURNING revision"""
_STALE = """
    SELECT window_start, window_end, touched, revision FROM quality_window
    WHERE deployment = %s AND touched > computed ORDER BY window_start LIMIT %s"""
_DONE = """
    UPDATE quality_window SET computed = %s, revision = %s
    WHERE deployment = %s AND window_start = %s AND window_end = %s AND revision = %s"""
_FIRST = "SELECT min(event_time) FROM prediction WHERE deployment = %s AND event_time >= %s"
_MATURED = "SELECT max(window_end) FROM quality_window WHERE deployment = %s AND matured AND window_end - window_start = %s"
_RIPEN = """
    INSERT INTO quality_window AS w (deployment, window_start, window_end, matured) VALUES (%s, %s, %s, true)
    ON CONFLICT (deployment, window_start, window_end) DO UPDATE SET touched = w.touched + 1, matured = true"""
LOOK_BACK = timedelta(days=400)
"""Predictions further back than this are not looked for when the job first asks which windows have matured"""
RIPEN_AT_ONCE = 1000


class Window(NamedTuple):
    """[start, end) of event time."""

    start: datetime
    end: datetime


class Stale(NamedTuple):
    """A window whose figures are to be made: `touched` says of what state, `revision` is that of the figures that there are."""

    window: Window
    touched: int
    revision: int


def window_of(moment: datetime, length: timedelta) -> Window:
    """The window that holds an aware time; windows follow one another from 1970 on, in UTC.

    >>> window_of(datetime(2026, 1, 2, 13, 30, tzinfo=UTC), timedelta(hours=6)).start.isoformat()
    '2026-01-02T12:00:00+00:00'
    """
    start = _EPOCH + (moment - _EPOCH) // length * length
    return Window(start, start + length)


def touch(connection: psycopg.Connection, deployment: str, length: timedelta, moments: Iterable[datetime]) -> int:
    """Note that labels of predictions at these times changed. Returns how many of them came late: their window had figures already."""
    touched = Counter(window_of(moment, length) for moment in moments)
    late = 0
    for window in sorted(touched):  # in one order, so that two transactions cannot wait for each other
        found = connection.execute(_TOUCH, (deployment, *window)).fetchone()
        late += touched[window] if found and found[0] > 0 else 0
    return late


def stale(connection: psycopg.Connection, deployment: str, *, most: int) -> list[Stale]:
    """The oldest windows whose figures are to be made, at most so many."""
    rows = connection.execute(_STALE, (deployment, most)).fetchall()
    return [Stale(Window(start, end), touched, revision) for start, end, touched, revision in rows]


def computed(connection: psycopg.Connection, deployment: str, of: Stale) -> bool:
    """Note, in the transaction that stores the figures, what they are of. Returns whether nobody else did so meanwhile."""
    done = connection.execute(_DONE, (of.touched, of.revision + 1, deployment, *of.window, of.revision))
    return done.rowcount == 1


def ripen(connection: psycopg.Connection, deployment: str, length: timedelta, due_after: timedelta, now: datetime) -> int:
    """Have the windows computed whose labels should all have come by now, with or without labels. Returns how many.

    due_after: from a window's end until then. now: aware. Windows without predictions are passed over.
    """
    last = connection.execute(_MATURED, (deployment, length)).fetchone()
    since = (last[0] if last else None) or now - LOOK_BACK
    ripened = 0
    while ripened < RIPEN_AT_ONCE:
        first = connection.execute(_FIRST, (deployment, since)).fetchone()
        if first is None or first[0] is None:
            break
        window = window_of(first[0], length)
        if window.end + due_after > now:
            break
        connection.execute(_RIPEN, (deployment, *window))
        ripened, since = ripened + 1, window.end
    return ripened
