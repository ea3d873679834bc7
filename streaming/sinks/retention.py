"""Retention: months of `prediction` that are old enough are dropped whole; stray rows of that age are deleted in small bites.

`current_prediction` keeps the newest row of every entity, however old, and the deployment log keeps everything.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from streaming.errors import StoreError, first_line
from streaming.sinks.connection import connect, judged
from streaming.sinks.months import LIMITS, month_of, start_of

CHUNK_ROWS = 5000  # deleted in one transaction: locks and dead rows stay few while the stream writes

# Bounds are read from the catalogue, so that a partition with a name of the user's own counts too.
_OLD_PARTITIONS = """
    SELECT c.oid::regclass::text, n.nspname, c.relname
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.inhparent = 'prediction'::regclass
      AND substring(pg_get_expr(c.relpartbound, c.oid) from $$TO \\('([^']+)'\\)$$)::timestamptz <= %s
    ORDER BY 1"""
_STRAY = {
    "prediction_default": "event_time",
    "rejection": "ended_at",
    "prediction_label": "event_time",
    "label": "received_at",
    "label_refused": "refused_at",
}
"""Table without a partition for each month → the column that tells the age of its rows"""


class Retained(NamedTuple):
    """What retention took away, or would: names of partitions, and rows by table."""

    partitions: list[str]
    rows: dict[str, int]


def cut(months: int, now: datetime) -> datetime:
    """What ends before this time is dropped: this month and `months` whole ones before it stay.

    >>> from datetime import UTC
    >>> cut(3, datetime(2026, 2, 21, tzinfo=UTC)).isoformat()
    '2025-11-01T00:00:00+00:00'
    """
    return start_of(month_of(now) - months)


def retain(dsn: str, months: int, now: datetime, *, dry_run: bool = False, chunk_rows: int = CHUNK_ROWS) -> Retained:
    """Drop partitions of `prediction` wholly older than `months` before the month of `now` (aware), and delete stray rows of that age.

    months: 1 or more. chunk_rows: deleted in one transaction. Returns what went; with dry_run nothing does. A partition is dropped
    in a transaction of its own that waits at most five seconds for its lock. Needs the tables' owner.
    Raises Unavailable (busy or away: try again; what went is gone), StoreError.
    """
    before = cut(months, now)
    try:
        with connect(dsn, LIMITS) as connection:
            connection.autocommit = True
            old = connection.execute(_OLD_PARTITIONS.encode(), (before,)).fetchall()
            if not dry_run:
                for _, *name in old:
                    _drop(connection, sql.Identifier(*name))
            rows = {table: _stray(connection, table, before, 0 if dry_run else chunk_rows) for table in _STRAY}
            return Retained([shown for shown, *_ in old], rows)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(f"PostgreSQL refused to drop old predictions: {first_line(error)}; do it as the tables' owner") from None
    except psycopg.Error as error:
        raise judged(error, "to drop old predictions") from None


def may_retain(dsn: str) -> bool:
    """Whether this role owns `prediction`, by itself or as a member. Raises Unavailable, StoreError."""
    question = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'prediction'::regclass"
    try:
        with connect(dsn) as connection:
            return connection.execute(question.encode()).fetchone() == (True,)
    except psycopg.Error as error:
        raise judged(error, "a look at the tables") from None


def _drop(connection: psycopg.Connection, partition: sql.Identifier) -> None:
    """Writers wait only for the catalogue: files are removed after the locks are gone. DETACH … CONCURRENTLY knows no default partition."""
    with connection.transaction():
        connection.execute(sql.SQL("ALTER TABLE prediction DETACH PARTITION {}").format(partition))
        connection.execute(sql.SQL("DROP TABLE {}").format(partition))


def _stray(connection: psycopg.Connection, table: str, before: datetime, chunk_rows: int) -> int:
    """Delete a table's rows of before that time, `chunk_rows` in a transaction; with 0 they are only counted. Returns how many."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(_STRAY[table])}
    words = {"before": sql.Literal(before), "chunk": sql.Literal(chunk_rows)}
    if not chunk_rows:
        found = connection.execute(sql.SQL("SELECT count(*) FROM {table} WHERE {column} < {before}").format(**names, **words)).fetchone()
        return int(found[0]) if found else 0
    old = "SELECT ctid FROM {table} WHERE {column} < {before} LIMIT {chunk}"
    delete = sql.SQL(f"DELETE FROM {{table}} WHERE ctid = ANY(ARRAY({old}))").format(**names, **words)  # noqa: S608
    deleted = 0
    while (went := connection.execute(delete).rowcount) > 0:
        deleted += went
    return deleted
