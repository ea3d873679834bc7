"""Writes messages of the metrics topic into the store.

Delivery: exactly-once effect. Rows, ids of records and the topic's offsets are one transaction; what is in the store already, by its
offset or by its record's id, is passed over. Two writers take turns at a partition and neither counts anything twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from streaming.errors import first_line
from streaming.metrics import kll
from streaming.metrics.series import LEVELS, Said, Value, rolled
from streaming.settings import MetricStore as MetricSettings
from streaming.sinks.connection import connect, judged, time_limits
from streaming.sinks.metric_store import statements
from streaming.sinks.metric_store.batch import Batch, Message, Strange, kind_of, read
from streaming.sinks.metric_store.partitions import make_partitions, retain


class Written(NamedTuple):
    """What a batch did: the records that were new, how many were known, and what was no record."""

    records: list[dict[str, Any]]
    known: int
    strange: list[Strange]


class MetricStore:
    """Writes over one connection, opened when first needed and again after it broke."""

    def __init__(self, dsn: str, *, statement_timeout_s: float = 60) -> None:
        self._dsn, self._limits = dsn, time_limits(statement_timeout_s)
        self._connection: psycopg.Connection | None = None
        self._made: set[tuple[str, date]] = set()

    def offsets(self, topic: str) -> dict[int, int]:
        """By partition, the first offset that is not in the store. Raises Unavailable, StoreError."""
        try:
            rows = self._open().execute(b"SELECT partition, next FROM metric_offset WHERE topic = %s", (topic,)).fetchall()
        except psycopg.Error as error:
            raise self._failed(error) from None
        return {int(partition): int(place) for partition, place in rows}

    def write(self, messages: Sequence[Message]) -> Written:
        """Store messages, those of a partition in their order, in one transaction.

        A message that the store cannot hold (a number beyond its types, say) is kept raw, and then each is a transaction of its own.
        Raises Unavailable (write them again), StoreError.
        """
        try:
            return self._write(read(messages), messages)
        except psycopg.DataError:
            return self._each(messages)
        except psycopg.Error as error:
            raise self._failed(error) from None

    def upkeep(self, kept: MetricSettings, now: datetime) -> list[str]:
        """Drop what retention does not keep, by the writer's right to call the function for it. Returns the partitions dropped."""
        try:
            return retain(self._open(), kept, now)
        except psycopg.Error as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _each(self, messages: Sequence[Message]) -> Written:
        done = Written([], 0, [])
        for message in messages:
            try:
                written = self._write(read([message]), [message])
            except psycopg.DataError as error:
                strange = Strange(message, kind_of(message.value or b""), first_line(error)[:200])
                written = self._write(Batch(strange=[strange]), [message])
            done = Written(done.records + written.records, done.known + written.known, done.strange + written.strange)
        return done

    def _write(self, batch: Batch, messages: Sequence[Message]) -> Written:
        connection = self._open()
        self._made |= make_partitions(connection, batch, self._made)
        with connection.transaction():
            return _store(connection, batch, messages)

    def _failed(self, error: psycopg.Error) -> Exception:
        self.close()
        return judged(error, "metrics")

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, self._limits)
            self._connection.autocommit = True
            self._connection.execute(statements.TEMPORARY)
        return self._connection


def _store(connection: psycopg.Connection, batch: Batch, messages: Sequence[Message]) -> Written:
    connection.execute(statements.LOCK)
    ahead = batch.behind(_advance(connection, messages))
    keys = [one.key for one in ahead.records]
    asked = ([kind for kind, _ in keys], [name for _, name in keys])
    fresh = ahead.fresh({(str(kind), str(name)) for kind, name in connection.execute(statements.REMEMBER, asked).fetchall()})
    _add(connection, [said for one in fresh for said in one.points.said])
    _put(connection, [value for one in fresh for value in one.points.values])
    tracked = [_CALL | one.fields | {"metrics": Jsonb(one.fields["metrics"])} for one in fresh if one.key[0] == "tracked"]
    with connection.cursor() as cursor:
        cursor.executemany(statements.PUT_TRACKED, tracked)
        cursor.executemany(statements.PUT_STRANGE, [(*one.message[:3], one.kind, one.fault, one.message.value) for one in ahead.strange])
    return Written([one.fields for one in fresh], len(keys) - len(fresh), ahead.strange)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CALL: dict[str, Any] = {"model": "", "model_version": "", "prediction_id": "", "start": None, "end": None}


def _advance(connection: psycopg.Connection, messages: Sequence[Message]) -> dict[tuple[str, int], int]:
    """Note that the store holds these messages. Returns where it stood, by topic and partition."""
    stood = {}
    for topic, partition in sorted({message[:2] for message in messages}):
        words: dict[str, Any] = {"topic": topic, "partition": partition}
        connection.execute(statements.MAKE_OFFSET, words)
        row = connection.execute(statements.READ_OFFSET, words).fetchone()
        stood[topic, partition] = int(row[0]) if row else 0
        last = max(message.offset for message in messages if message[:2] == (topic, partition))
        connection.execute(statements.SET_OFFSET, words | {"next": max(stood[topic, partition], last + 1)})
    return stood


def _add(connection: psycopg.Connection, said: Sequence[Said]) -> None:
    """Add sums to the minutes, hours and days that they lie in."""
    if not said:
        return
    spans: dict[str, Any] = {}
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY incoming_sum ({statements.SUM_COLUMNS}) FROM STDIN") as copy:
            for level in LEVELS:
                sums = rolled(said, level)
                spans |= {f"first_{level}": min(at for _, at in sums), f"last_{level}": max(at for _, at in sums)}
                for (series, at), what in sums.items():
                    bins = None if what.bins is None else Jsonb(what.bins)
                    latest_at = None if what.latest_at is None else _EPOCH + timedelta(microseconds=what.latest_at)
                    copy.write_row((level, *series, at, *what[:6], latest_at, bins, what.kll))
        cursor.execute("ANALYZE incoming_sum")
        cursor.execute(statements.new_series("incoming_sum"))
        if any(one.what.kll for one in said):
            merged = [(kll.merge([ours, theirs]), row) for row, ours, theirs in cursor.execute(statements.STORED_KLL, spans).fetchall()]
            cursor.executemany(statements.SET_KLL, merged)
        for level in LEVELS:
            cursor.execute(statements.add_sums(level))


def _put(connection: psycopg.Connection, values: Sequence[Value]) -> None:
    """Put single values, and add up again the hours and days that they lie in."""
    if not values:
        return
    times = {"first": min(value.at for value in values), "last": max(value.at for value in values)}
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY incoming_value ({statements.VALUE_COLUMNS}) FROM STDIN") as copy:
            for value in values:
                copy.write_row((*value.series, *value[1:]))
        cursor.execute(statements.new_series("incoming_value"))
        cursor.execute(statements.PUT_VALUES)
        for level in ("hour", "day"):
            cursor.execute(statements.again(level), times)
