"""Connections to PostgreSQL: with this service's name, time limits that survive a rollback, and errors without the password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from streaming.errors import StoreError, Unavailable, first_line
from streaming.sinks.dsn import certificate_words, words

_DEFAULTS = {"connect_timeout": 5, "application_name": "streaming-scoring"}

# SQLSTATE classes that go away: connection, transaction rollback, resources, operator intervention (a statement's timeout
# too), the system's own errors; a lock, and a standby that is not yet the primary.
_PASSES = ("08", "40", "53", "57", "58", "55P03", "25006")
_OTHER_TABLES = ("42P01", "42703", "42883")  # a table, a column or a function that is not there


def connect(dsn: str, settings: Mapping[str, str] | None = None) -> psycopg.Connection:
    """A connection with this service's name on it; what the connection string says itself, its `options` too, stands.

    settings: of the session, such as {"lock_timeout": "5s"}; set once connected, because libpq knows one `options` only.
    Raises Unavailable, without the password, if there is no server; StoreError if the string is not one.
    """
    try:
        connection = psycopg.connect(**parameters(dsn))
        if settings:
            set_session(connection, settings)
    except psycopg.OperationalError as error:
        said = first_line(error)
        raise Unavailable(f"PostgreSQL cannot be reached: {said}{certificate_words(dsn, said)}") from None
    except psycopg.ProgrammingError as error:
        raise StoreError(f"store.dsn is not a connection string: {first_line(error)}") from None
    return connection


def parameters(dsn: str) -> dict[str, Any]:
    """Words for `psycopg.connect`: those of the connection string, over ours. Raises StoreError if the string is not one."""
    return _DEFAULTS | words(dsn)


def time_limits(statement_s: float) -> dict[str, str]:
    """Settings of a session in which no statement, and no wait for a lock, takes longer than statement_s at the server."""
    return dict.fromkeys(("statement_timeout", "lock_timeout"), f"{int(statement_s * 1000)}ms")


def set_session(connection: psycopg.Connection, settings: Mapping[str, str]) -> None:
    """Set parameters of the session; the connection is closed if the server refuses one. Raises psycopg.Error."""
    try:
        connection.autocommit = True  # a setting of a transaction that is rolled back would be lost
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.autocommit = False
    except psycopg.Error:
        connection.close()
        raise


def judged(error: psycopg.Error, what: str = "predictions") -> Unavailable | StoreError:
    """What an error of PostgreSQL means to whoever writes: Unavailable if waiting may mend it, StoreError if not.

    >>> judged(psycopg.errors.DiskFull("could not extend file"))
    Unavailable('PostgreSQL (53100): could not extend file')
    """
    passes = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)  # a connection that broke has no code
    if error.sqlstate is not None:
        passes = error.sqlstate.startswith(_PASSES)
    if passes:
        return Unavailable(f"PostgreSQL ({error.sqlstate or 'no answer'}): {first_line(error)}")
    remedy = "; bring the tables to this release with `scoring store migrate`" if error.sqlstate in _OTHER_TABLES else ""
    remedy = "; let the tables' owner run `scoring store migrate --writer ROLE`" if error.sqlstate == "42501" else remedy
    return StoreError(f"PostgreSQL refused {what} ({error.sqlstate or 'client'}): {first_line(error)}{remedy}")
