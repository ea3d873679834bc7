"""Records of quality in PostgreSQL: stored in the transaction that made them, then published, so that their bytes never change.

Delivery: at least once with idempotent effect: what was stored and not noted as published is published again, the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psycopg

from streaming.metrics.quality_record import Quality
from streaming.metrics.records import Alert, Record, decode, encode

_STORE = """
    INSERT INTO quality (record_id, deployment, window_start, window_end, slice, revision, topic, record)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (record_id) DO NOTHING"""
_OLD = """
    DELETE FROM quality WHERE deployment = %s AND window_start = %s AND slice = %s AND revision <= %s AND topic = 'metrics' AND published"""
KEPT = 10
"""Revisions of a window that the store keeps; the topic has them all"""
_WAITING = "SELECT number, topic, record::text FROM quality WHERE deployment = %s AND NOT published ORDER BY number LIMIT %s"
_DONE = "UPDATE quality SET published = true WHERE deployment = %s AND NOT published AND number = ANY(%s)"
_NEWEST = """
    SELECT DISTINCT ON (window_start, window_end, slice) record::text FROM quality
    WHERE deployment = %s AND topic = 'metrics' AND (%s::text IS NULL OR slice = %s)
      AND (window_start, window_end) IN (
        SELECT window_start, window_end FROM quality WHERE deployment = %s AND topic = 'metrics'
        GROUP BY window_start, window_end ORDER BY window_start DESC LIMIT %s)
    ORDER BY window_start, window_end, slice, revision DESC"""
_LAST_ALERT = """
    SELECT record::text FROM quality WHERE deployment = %s AND topic = 'alerts' AND slice = %s ORDER BY number DESC LIMIT 1"""


class Waiting(NamedTuple):
    """A record that is stored and not noted as published. topic: metrics or alerts."""

    number: int
    topic: str
    record: Record


def store(connection: psycopg.Connection, records: Iterable[Quality]) -> None:
    """Keep records of a window, to be published; one whose id is there stays as it is. Raises psycopg.Error."""
    rows = [
        (one.id, one.deployment, one.window_start, one.window_end, one.slice, one.revision, "metrics", encode(one).decode())
        for one in records
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_STORE, rows)
        cursor.executemany(_OLD, [(deployment, start, piece, revision - KEPT) for _, deployment, start, _, piece, revision, _, _ in rows])


def store_alerts(connection: psycopg.Connection, alerts: Iterable[tuple[str, Alert]], revision: int) -> None:
    """Keep alerts, each with the name of what it is about, to be published."""
    for about, one in alerts:
        row = (one.id, one.deployment, one.window_start, one.window_end, about, revision, "alerts", encode(one).decode())
        connection.execute(_STORE, row)


def last_alert(connection: psycopg.Connection, deployment: str, about: str) -> Alert | None:
    """The newest alert about something, None if there was none."""
    row = connection.execute(_LAST_ALERT, (deployment, about)).fetchone()
    found = decode(row[0].encode()) if row else None
    return found if isinstance(found, Alert) else None


def waiting(connection: psycopg.Connection, deployment: str, *, most: int) -> list[Waiting]:
    """Records to be published, the oldest first, at most so many."""
    rows = connection.execute(_WAITING, (deployment, most)).fetchall()
    return [Waiting(number, topic, record) for number, topic, text in rows if (record := decode(text.encode())) is not None]


def published(connection: psycopg.Connection, deployment: str, numbers: Sequence[int]) -> None:
    """Note that records are on their topics."""
    connection.execute(_DONE, (deployment, list(numbers)))


def newest(connection: psycopg.Connection, deployment: str, *, windows: int, piece: str | None = None) -> list[Quality]:
    """The figures that hold of the newest windows, oldest first. piece: only this slice ("" is the whole); None: all of them."""
    rows = connection.execute(_NEWEST, (deployment, piece, piece, deployment, windows)).fetchall()
    found = (decode(text.encode()) for (text,) in rows)
    return [one for one in found if isinstance(one, Quality)]
