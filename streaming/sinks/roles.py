"""Three roles with the least each needs: the migrator owns the tables, the writer adds and updates rows, the reader reads them.

Writer and reader are group roles without a login; an administrator makes login roles members of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from streaming.errors import StoreError, first_line
from streaming.sinks.connection import connect, judged
from streaming.sinks.migrate import LOCK, TABLES

Rights = Mapping[str, tuple[str, ...]]
WRITER: Rights = {**TABLES, "migration": ("SELECT",)}
_OF_LABELS = ("label", "label_waiting", "prediction_label", "label_count", "quality_window", "quality")
_OF_METRICS = tuple(name for name in TABLES if name.startswith("metric_"))
_READ = ("prediction", "current_prediction", "rejection", "deployment_log", *_OF_LABELS, *_OF_METRICS)
READER: Rights = dict.fromkeys(_READ, ("SELECT",))
_OWNERS = sql.SQL("FUNCTION make_prediction_month(date), make_metric_partition(text, date), drop_metric_partitions(text, timestamptz)")
"""They run as the tables' owner; the writer may call them."""


def grant(dsn: str, *, writer: str = "", reader: str = "") -> list[str]:
    """Give the roles exactly their rights, and take others on our tables from them, in one transaction. Call it as the tables' owner.

    writer, reader: names of roles, made without a login if they are not there; an empty name is left out. Returns the names of the
    roles made. Raises Unavailable; StoreError if a role cannot be made or a right cannot be given, with what an administrator does.
    """
    if writer and writer == reader:
        raise StoreError(f"the role {writer} cannot be both writer and reader; name two roles")
    try:
        with connect(dsn) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            made = [role for role in (writer, reader) if role and _make(connection, role)]
            if writer:
                _give(connection, writer, WRITER)
                _let(connection, writer, "database", "TEMPORARY")
                connection.execute(sql.SQL("GRANT EXECUTE ON {} TO {}").format(_OWNERS, sql.Identifier(writer)))
            if reader:
                _give(connection, reader, READER)
                connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(_OWNERS, sql.Identifier(reader)))
        return made
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(
            f"PostgreSQL refused rights for roles: {first_line(error)}; let an administrator run this, or make the roles"
        ) from None
    except psycopg.Error as error:
        raise judged(error, "rights for roles") from None


def _make(connection: psycopg.Connection, role: str) -> bool:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        return False
    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    return True


def _give(connection: psycopg.Connection, role: str, rights: Rights) -> None:
    """What a role had on the tables of either list goes first: these rights and no others. Partitions need none of their own."""
    name = sql.Identifier(role)
    ours = sql.SQL(", ").join(map(sql.Identifier, {**WRITER, **READER}))
    connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(ours, name))
    for table, words in rights.items():
        listed = sql.SQL(", ").join(map(sql.SQL, words))
        connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(listed, sql.Identifier(table), name))
    _let(connection, role, "schema", "USAGE")


def _let(connection: psycopg.Connection, role: str, kind: str, right: str) -> None:
    """A right on the schema or database, which may not be ours to give: only asked for where neither the role nor everyone has it."""
    place = connection.execute(f"SELECT current_{kind}()".encode()).fetchone()
    held = f"SELECT has_{kind}_privilege(%s, current_{kind}(), %s)".encode()
    if place and connection.execute(held, (role, right)).fetchone() != (True,):
        statement = sql.SQL(f"GRANT {right} ON {kind} {{}} TO {{}}")
        connection.execute(statement.format(sql.Identifier(place[0]), sql.Identifier(role)))
