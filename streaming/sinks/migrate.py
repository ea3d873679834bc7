"""Tables of the operational store: versioned SQL files, applied forward only, in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg

from streaming.errors import StoreError, Unavailable, first_line
from streaming.sinks.connection import connect
from streaming.sinks.months import make_missing, months_to_make

LOCK = 0x5C0_41E6  # any constant of ours, the same in make_prediction_month: two migrators take turns
TABLES = {
    "prediction": ("SELECT", "INSERT"),
    "current_prediction": ("SELECT", "INSERT", "UPDATE"),
    "rejection": ("SELECT", "INSERT"),
    "deployment_log": ("SELECT", "INSERT"),
    "label": ("SELECT", "INSERT"),
    "label_waiting": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "prediction_label": ("SELECT", "INSERT", "UPDATE"),
    "label_count": ("SELECT", "INSERT", "UPDATE"),
    "label_refused": ("SELECT", "INSERT"),
    "label_offset": ("SELECT", "INSERT", "UPDATE"),
    "quality_window": ("SELECT", "INSERT", "UPDATE"),
    "quality": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "metric_series": ("SELECT", "INSERT"),
    "metric_minute": ("SELECT", "INSERT", "UPDATE"),
    "metric_hour": ("SELECT", "INSERT", "UPDATE"),
    "metric_day": ("SELECT", "INSERT", "UPDATE"),
    "metric_value": ("SELECT", "INSERT", "UPDATE"),
    "metric_tracked": ("SELECT", "INSERT"),
    "metric_record": ("SELECT", "INSERT", "DELETE"),
    "metric_unknown": ("SELECT", "INSERT"),
    "metric_offset": ("SELECT", "INSERT", "UPDATE"),
}
"""Table → what the jobs do with it, and so need a right to."""


def migrate(dsn: str) -> list[str]:
    """Bring the tables to this release's version, in one transaction: all of it, or the version before stays.

    Returns the names of the migrations applied (none the second time). Raises Unavailable, StoreError.
    """
    try:
        with connect(dsn) as connection:
            return _migrate(connection)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL went away while the tables were made: {first_line(error)}; migrate again") from None
    except psycopg.Error as error:
        raise StoreError(f"PostgreSQL refused to make the tables ({error.sqlstate}): {first_line(error)}; migrate as their owner") from None


def migrations() -> list[Traversable]:
    """The files of this release, in the order in which they are applied."""
    folder = resources.files("streaming.sinks").joinpath("migrations")
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def _migrate(connection: psycopg.Connection) -> list[str]:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    connection.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
    done = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
    fresh = [file for file in migrations() if file.name not in done]
    for file in fresh:
        connection.execute(file.read_text(encoding="utf-8").encode())
        connection.execute("INSERT INTO migration (name) VALUES (%s)", (file.name,))
    for month in months_to_make(connection, datetime.now(UTC)):
        make_missing(connection, month)
    return [file.name for file in fresh]


def check_tables(dsn: str) -> None:
    """Raise StoreError, naming what is missing, unless every table is there and this role may do its work in it.

    Raises Unavailable if the server is not there.
    """
    with connect(dsn) as connection:
        missing = [table for table in TABLES if not _exists(connection, table)]
        if missing:
            raise StoreError(f"the store has no table {', '.join(missing)}; make it with `scoring store migrate`")
        lacking = [f"{right} on {table}" for table, rights in TABLES.items() for right in rights if not _may(connection, table, right)]
        user = connection.info.user
    if lacking:
        raise StoreError(f"role {user} lacks {', '.join(lacking)}; let the tables' owner run `scoring store migrate --writer ROLE`")


def _exists(connection: psycopg.Connection, table: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)


def _may(connection: psycopg.Connection, table: str, right: str) -> bool:
    return connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone() == (True,)
