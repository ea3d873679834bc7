"""Tables of the operational store: versioned SQL files, applied forward only."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

import psycopg
from psycopg import sql

from streaming.errors import StoreError, Unavailable

_LOCK = 0x5C0_41E6  # any constant of ours: two migrators take turns
TABLES = ("prediction", "current_prediction")


def migrate(dsn: str) -> list[str]:
    """Bring the tables to this release's version, in one transaction.

    Returns the names of the migrations applied (none the second time). Raises Unavailable, StoreError.
    """
    with connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
        done = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
        files = sorted(
            (f for f in resources.files("streaming.sinks").joinpath("migrations").iterdir() if f.name.endswith(".sql")),
            key=lambda f: f.name,
        )
        fresh = [f for f in files if f.name not in done]
        for file in fresh:
            connection.execute(file.read_text(encoding="utf-8").encode())
            connection.execute("INSERT INTO migration (name) VALUES (%s)", (file.name,))
        for ahead in range(-1, 3):
            _make_month(connection, ahead)
    return [f.name for f in fresh]


def _make_month(connection: psycopg.Connection, ahead: int) -> None:
    """Make the partition of the month that lies `ahead` months from now, if there is none."""
    now = datetime.now(UTC)
    month = now.year * 12 + now.month - 1 + ahead
    bounds = [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in (month, month + 1)]
    name = f"prediction_{bounds[0]:%Y_%m}"
    if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
        return
    moved = sql.SQL("SELECT 1 FROM prediction_default WHERE event_time >= {} AND event_time < {} LIMIT 1").format(*bounds)
    if connection.execute(moved).fetchone():
        return  # rows of that month lie in the default partition already, and stay there
    statement = sql.SQL("CREATE TABLE {} PARTITION OF prediction FOR VALUES FROM ({}) TO ({})")
    connection.execute(statement.format(sql.Identifier(name), *bounds))


def check_tables(dsn: str) -> None:
    """Raise StoreError, naming what is missing, unless every table is there; Unavailable if the server is not."""
    with connect(dsn) as connection:
        missing = [t for t in TABLES if connection.execute("SELECT to_regclass(%s)", (t,)).fetchone() == (None,)]
    if missing:
        raise StoreError(f"the store has no table {', '.join(missing)}; make it with `scoring store migrate`")


def connect(dsn: str, **options: str | int) -> psycopg.Connection:
    """A connection, with this service's name on it. Raises Unavailable, without the password, if there is no server."""
    try:
        return psycopg.connect(dsn, connect_timeout=5, application_name="streaming-scoring", **options)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        detail = str(error).strip().splitlines()[0]
        raise Unavailable(f"PostgreSQL cannot be reached: {detail}") from None
    except psycopg.ProgrammingError as error:
        raise StoreError(f"store.dsn is not a connection string: {error}".splitlines()[0]) from None
