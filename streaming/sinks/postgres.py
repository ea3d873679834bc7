"""PostgreSQL: the history in `prediction`, the newest row of each entity in `current_prediction`.

Delivery: at least once with idempotent effect. One batch is one transaction: COPY into a temporary table, then
INSERT … ON CONFLICT, so that a replay, a repeat and a late event change nothing that stood.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from streaming.errors import first_line
from streaming.records import PREDICTION
from streaming.sinks import CONFLICT, REPEAT, STANDS, Address, Busy, Delivery, first_of_batch
from streaming.sinks.connection import connect, judged, time_limits

_COLUMNS = ", ".join(PREDICTION.names)
_INCOMING = "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE prediction) ON COMMIT DELETE ROWS"
_COPY = f"COPY incoming ({_COLUMNS}) FROM STDIN (FORMAT csv)"
_HISTORY = f"""
    INSERT INTO prediction ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming ORDER BY event_time, prediction_id
    ON CONFLICT (event_time, prediction_id) DO NOTHING"""  # noqa: S608 (columns are constants of ours)
# Rows that another address wrote first, with the digest and the address of what stands.
_STOOD_BEFORE = """
    DELETE FROM incoming i USING prediction p
    WHERE p.event_time = i.event_time AND p.prediction_id = i.prediction_id
      AND (p.source_topic, p.source_partition, p.source_offset) <> (i.source_topic, i.source_partition, i.source_offset)
    RETURNING i.prediction_id::text, encode(p.payload_digest, 'hex'), p.source_topic, p.source_partition, p.source_offset"""
_HELD = """
    SELECT p.deployment, p.source_topic, p.source_partition, p.source_offset,
           p.prediction_id::text, encode(p.payload_digest, 'hex'), p.plan_id
    FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[]) AS asked (deployment, topic, partition, place)
    JOIN prediction p ON p.source_partition = asked.partition AND p.source_offset = asked.place
     AND p.source_topic = asked.topic AND p.deployment = asked.deployment
    WHERE p.role <> 'shadow'"""
_CURRENT_COLUMNS = (
    "deployment, entity_id, prediction_id, event_id, role, variant, model_name, model_version, score, predicted_class, "
    "event_time, received_at, scored_at, source_topic, source_partition, source_offset"
)
_NEWER = "event_time, received_at, source_partition, source_offset"
_SET = ", ".join(f"{name} = EXCLUDED.{name}" for name in _CURRENT_COLUMNS.split(", ")[2:])
# Rows are locked in the order of the key, so that concurrent tasks cannot deadlock.
_CURRENT = f"""
    INSERT INTO current_prediction AS c ({_CURRENT_COLUMNS})
    SELECT DISTINCT ON (deployment, entity_id) {_CURRENT_COLUMNS} FROM incoming WHERE role <> 'shadow'
    ORDER BY deployment, entity_id, event_time DESC, received_at DESC, source_partition DESC, source_offset DESC
    ON CONFLICT (deployment, entity_id) DO UPDATE SET {_SET}
    WHERE ({", ".join(f"EXCLUDED.{n}" for n in _NEWER.split(", "))}) > ({", ".join(f"c.{n}" for n in _NEWER.split(", "))})"""  # noqa: S608

# What the server says when it is there and has too much on its hands: resources, a lock that another holds, a statement's time.
_BUSY = ("53", "55P03", "57014")
_CHECK = "23514"
_RETRY_AFTER_S = 1.0

T = TypeVar("T")
Standing = dict[str, tuple[Any, ...]]
"""prediction id → digest, topic, partition and offset of the row that stands"""


class PostgresSink:
    """Writes predictions over one connection, opened when first needed and again after it broke.

    One, not a pool: a worker is a process with one task at a time, and a task writes one transaction after the other. Many
    workers share a server by a pooler in front of it, in session mode because of the temporary table.
    """

    delivery = Delivery.IDEMPOTENT

    def __init__(self, dsn: str, *, statement_timeout_s: float = 60) -> None:
        self._dsn = dsn
        self._limits = time_limits(statement_timeout_s)
        self._connection: psycopg.Connection | None = None

    def write(self, predictions: pa.RecordBatch) -> np.ndarray | Busy:
        """See Sink.write. A commit whose reply was lost raises Unavailable; written again, its rows have the same verdicts."""
        verdicts = first_of_batch(predictions)
        unique = predictions.filter(pa.array(verdicts == STANDS))
        if unique.num_rows:
            stood_before = self._attempt(lambda connection: _store(connection, unique))
            if isinstance(stood_before, Busy):
                return stood_before
            if stood_before:
                self._judge(predictions, verdicts, stood_before)
        return verdicts

    def held(self, asked: Collection[Address]) -> dict[Address, dict[str, tuple[str, str]]] | Busy:
        """See Store.held."""
        columns = [list(column) for column in zip(*sorted(set(asked)), strict=True)]
        return self._attempt(lambda connection: _held(connection, columns)) if columns else {}

    def close(self) -> None:
        """See Sink.close."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _attempt(self, work: Callable[[psycopg.Connection], T]) -> T | Busy:
        try:
            connection = self._open()
            with connection.transaction():
                return work(connection)
        except psycopg.Error as error:
            if busy(error):
                return Busy(f"PostgreSQL ({error.sqlstate}): {first_line(error)}", _RETRY_AFTER_S)
            self.close()
            raise judged(error) from None

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, self._limits)
            self._connection.autocommit = True
            self._connection.execute(_INCOMING)
        return self._connection

    @staticmethod
    def _judge(predictions: pa.RecordBatch, verdicts: np.ndarray, stood_before: Standing) -> None:
        """Write the store's word into the verdicts of the rows that it knew from elsewhere, and of those that follow them."""
        names = ("prediction_id", "payload_digest", "source_topic", "source_partition", "source_offset")
        for row, (key, digest, *address) in enumerate(zip(*(predictions.column(name).to_pylist() for name in names), strict=True)):
            if key in stood_before:
                standing, *where = stood_before[key]
                verdicts[row] = STANDS if address == where else REPEAT if standing == digest else CONFLICT


def _store(connection: psycopg.Connection, rows: pa.RecordBatch) -> Standing:
    """One transaction's work. Returns what stands for the ids that another address wrote first."""
    with connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            copy.write(csv_bytes(rows))
        cursor.execute(_HISTORY)
        stood_before: Standing = {}
        if cursor.rowcount < rows.num_rows:
            stood_before = {key: (digest, *address) for key, digest, *address in cursor.execute(_STOOD_BEFORE)}
        cursor.execute(_CURRENT)
    return stood_before


def _held(connection: psycopg.Connection, asked: list[list[Any]]) -> dict[Address, dict[str, tuple[str, str]]]:
    found: dict[Address, dict[str, tuple[str, str]]] = {}
    for deployment, topic, partition, offset, key, digest, plan_id in connection.execute(_HELD, asked):
        found.setdefault((deployment, topic, partition, offset), {})[key] = digest, plan_id
    return found


def csv_bytes(rows: pa.RecordBatch) -> bytes:
    """Rows of the type PREDICTION as PostgreSQL's CSV: null is an unquoted empty field, bytea is hex."""
    digest = pc.binary_join_element_wise(pa.scalar("\\x"), rows.column("payload_digest"), pa.scalar(""))
    position = rows.schema.get_field_index("payload_digest")
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False)
    pyarrow.csv.write_csv(rows.set_column(position, "payload_digest", digest), sink, options)
    return bytes(sink.getvalue().to_pybytes())


def busy(error: psycopg.Error) -> bool:
    """Whether a server that is there asks for less or for later: disk or memory is full, another holds a lock, a statement took too long.

    A row that waited for the default partition while its month was made fails a check without a name; written again, it finds its place.

    >>> busy(psycopg.errors.LockNotAvailable()), busy(psycopg.errors.AdminShutdown())
    (True, False)
    """
    month_was_made = error.sqlstate == _CHECK and error.diag.constraint_name is None
    return month_was_made or (error.sqlstate or "").startswith(_BUSY)
