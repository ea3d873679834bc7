"""A partition of `prediction` for each month of event time, so that retention drops whole partitions."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import structlog

from streaming.errors import StoreError, Unavailable, first_line
from streaming.sinks.connection import connect

MONTHS_AHEAD = 2
MONTHS_BACK = 24  # older rows in the default partition are left there: their times are more likely wrong than late
# Writers wait behind whoever waits for a lock on their table, so a migrator that comes second to a long query gives up soon.
LIMITS = {"lock_timeout": "5s"}
_log = structlog.get_logger("streaming.months")


def make_months(dsn: str, now: datetime) -> list[str]:
    """Make the partitions of `prediction` that are missing around `now` (aware): the month before, this one and two ahead.

    A month of the last two years whose rows lie in the default partition gets its partition too; the rows are moved into it,
    so that retention can drop it. Returns the names of the partitions made, none the second time. Raises nothing of the
    store's: a writer may make them too, by a function that runs as the tables' owner, and where it fails a warning is logged,
    for the default partition takes the rows meanwhile.
    """
    made: list[str] = []
    try:
        with connect(dsn, LIMITS) as connection:
            connection.autocommit = True
            for month in months_to_make(connection, now):
                made += make_missing(connection, month)  # one transaction each: writers wait only while one month's rows are moved
    except (psycopg.Error, StoreError, Unavailable) as error:
        told = first_line(error) if isinstance(error, psycopg.Error) else str(error)
        _log.warning(
            "partitions_not_made", error=told, remedy="the default partition takes the rows; run `scoring store migrate` as the owner"
        )
    if made:
        _log.info("partitions_made", partitions=made)
    return made


def months_to_make(connection: psycopg.Connection, now: datetime) -> list[int]:
    """Months, counted from year 0, that have no partition and should."""
    this = month_of(now)
    missing = [m for m in range(this - MONTHS_BACK, this + MONTHS_AHEAD + 1) if not _exists(connection, m)]
    return [m for m in missing if m >= this - 1 or _has_rows(connection, m)]


def make_missing(connection: psycopg.Connection, month: int) -> list[str]:
    """Make a month's partition and move its rows out of the default one. Returns its name; nothing if another made it first."""
    made = connection.execute("SELECT make_prediction_month(%s)", (_first_day(month),)).fetchone()
    return [made[0]] if made and made[0] else []


def month_of(when: datetime) -> int:
    """The month of an aware time in UTC, counted from year 0.

    >>> month_of(datetime.fromisoformat("2040-06-01T01:00:00+02:00")) - month_of(datetime(2040, 1, 31, tzinfo=UTC))
    4
    """
    utc = when.astimezone(UTC)
    return utc.year * 12 + utc.month - 1


def start_of(month: int) -> datetime:
    """When a month counted from year 0 begins.

    >>> start_of(2040 * 12 + 5).isoformat()
    '2040-06-01T00:00:00+00:00'
    """
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _first_day(month: int) -> date:
    return start_of(month).date()


def _exists(connection: psycopg.Connection, month: int) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (f"prediction_{start_of(month):%Y_%m}",)).fetchone() != (None,)


def _has_rows(connection: psycopg.Connection, month: int) -> bool:
    """Asked of the whole table: a month without a partition lies in the default one, which a writer need not be allowed to read."""
    bounds = (start_of(month), start_of(month + 1))
    found = connection.execute("SELECT 1 FROM prediction WHERE event_time >= %s AND event_time < %s LIMIT 1", bounds)
    return found.fetchone() is not None
