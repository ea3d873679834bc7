"""Migrator, writer and reader: each does its part, and nothing else, whatever the roles are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
import pytest
from prediction_rows import row, rows
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from structlog.testing import capture_logs
from tests_support import PLAN

from streaming.errors import StoreError
from streaming.sinks import CONFLICT, REPEAT, STANDS, addresses
from streaming.sinks.deployment_log import DeploymentLog
from streaming.sinks.migrate import check_tables, migrate
from streaming.sinks.months import make_months
from streaming.sinks.pool import Pool
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.retention import may_retain, retain
from streaming.sinks.roles import grant

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
ABSURD = "w\"r'; DROP TABLE prediction; --\\ ü"


class Roles(NamedTuple):
    """Connection strings of three login roles, and one of a superuser."""

    migrator: str
    writer: str
    reader: str
    admin: str


@pytest.fixture
def roles(services: Any) -> Iterator[Roles]:
    admin, tag = str(services.create_database()), os.urandom(4).hex()
    names = {kind: f"{kind}_{tag}" for kind in ("migrator", "writer", "reader")}
    groups = {"writer": f"{ABSURD}{tag}", "reader": f"Reader {tag}"}
    run(admin, "CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'p'", names["migrator"])
    run(admin, "GRANT CREATE ON DATABASE {} TO {}", str(conninfo_to_dict(admin)["dbname"]), names["migrator"])
    run(admin, "GRANT USAGE, CREATE ON SCHEMA public TO {}", names["migrator"])
    dsns = {kind: make_conninfo(admin, user=name, password="p") for kind, name in names.items()}
    assert migrate(dsns["migrator"])
    assert grant(dsns["migrator"], writer=groups["writer"], reader=groups["reader"]) == list(groups.values())
    assert grant(dsns["migrator"], writer=groups["writer"], reader=groups["reader"]) == []
    for kind, group in groups.items():
        run(admin, "CREATE ROLE {} LOGIN PASSWORD 'p' IN ROLE {}", names[kind], group)
    yield Roles(**dsns, admin=admin)
    for role in (names["writer"], names["reader"], *groups.values(), names["migrator"]):
        run(admin, "DROP OWNED BY {}", role)
        run(admin, "DROP ROLE {}", role)


def run(dsn: str, statement: str, *names: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def refused(dsn: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(dsn, statement)


def test_the_sink_and_the_drivers_records_work_as_writer(roles: Roles) -> None:
    check_tables(roles.writer)
    sink = PostgresSink(roles.writer)
    first = sink.write(rows(row("a"), row("b", entity="c2", offset=1), row("old", offset=2, seconds=-90 * 86400)))
    second = sink.write(rows(row("a", offset=7), row("a", offset=8, body="other"), row("c", offset=9, seconds=5)))
    assert [*first, *second] == [STANDS, STANDS, STANDS, REPEAT, CONFLICT, STANDS]
    assert len(sink.held(addresses(rows(row("a"))))) == 1
    sink.close()
    pool = Pool(roles.writer)
    DeploymentLog(pool).note(PLAN)
    pool.close()
    run(roles.writer, "INSERT INTO rejection VALUES ('q/0/0', 'reason', 'json', 'd', 1, now(), now())")


def test_a_writer_takes_nothing_away_and_makes_no_tables(roles: Roles) -> None:
    for table in ("prediction", "current_prediction", "rejection", "deployment_log", "migration"):
        for statement in ("DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}", "ALTER TABLE {} ADD COLUMN x int", "CREATE INDEX ON {} ((1))"):
            refused(roles.writer, statement.replace("{}", table))
        refused(roles.writer, f"CREATE TABLE {table}_2 ()")


def test_a_writer_changes_only_current_rows_and_forges_no_migration(roles: Roles) -> None:
    for table, column in {"prediction": "score", "rejection": "events", "deployment_log": "reason", "label": "number"}.items():
        refused(roles.writer, f"UPDATE {table} SET {column} = {column}")
    refused(roles.writer, "INSERT INTO migration VALUES ('9999.sql')")
    refused(roles.writer, "SELECT 1 FROM prediction_default")
    run(roles.writer, "UPDATE current_prediction SET score = score")


def test_a_writer_makes_the_months_around_now_and_no_others(roles: Roles) -> None:
    month = f"prediction_{NOW:%Y_%m}"
    run(roles.migrator, "DROP TABLE {}", month)
    # A table and a function of the writer's own do not come between: names are looked up in the tables' schema alone.
    with psycopg.connect(roles.writer, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE prediction_default (event_time timestamptz)")
        connection.execute("SET search_path = pg_temp, public")
        assert connection.execute("SELECT make_prediction_month(%s)", (NOW.date(),)).fetchone() == (month,)
    with psycopg.connect(roles.admin) as admin:
        assert admin.execute("SELECT tableowner LIKE 'migrator_%%' FROM pg_tables WHERE tablename = %s", (month,)).fetchone() == (True,)
    with capture_logs() as logs:
        assert make_months(roles.writer, NOW) == []
        assert make_months(roles.writer, datetime(2041, 1, 1, tzinfo=UTC)) == []
    assert [(entry["event"], "only the owner of prediction" in entry["error"]) for entry in logs] == [("partitions_not_made", True)]


def test_retention_is_the_migrators(roles: Roles) -> None:
    assert (may_retain(roles.migrator), may_retain(roles.writer), may_retain(roles.reader)) == (True, False, False)
    with pytest.raises(StoreError, match="as the tables' owner"):
        retain(roles.writer, 1, NOW)
    assert retain(roles.migrator, 1, NOW).partitions == []


def test_a_reader_reads_and_nothing_else(roles: Roles) -> None:
    for table in ("prediction", "current_prediction", "rejection", "deployment_log", "label", "prediction_label", "quality"):
        run(roles.reader, f"SELECT count(*) FROM {table}")
        for statement in ("DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES", "DROP TABLE {}"):
            refused(roles.reader, statement.replace("{}", table))
    for statement in ("SELECT 1 FROM migration", "SELECT 1 FROM prediction_default", "UPDATE current_prediction SET score = 0"):
        refused(roles.reader, statement)
    refused(roles.reader, "SELECT make_prediction_month('2026-01-01')")
    with pytest.raises(StoreError, match=r"role reader_\w+ lacks INSERT on prediction.*--writer ROLE"):
        check_tables(roles.reader)


def test_rights_that_someone_gave_besides_are_taken_back(roles: Roles) -> None:
    with psycopg.connect(roles.admin) as admin:
        (group,) = admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'Reader %' ORDER BY oid DESC LIMIT 1").fetchone() or ()
    run(roles.migrator, "GRANT ALL ON prediction, migration TO {}", group)
    run(roles.reader, "DELETE FROM prediction")
    grant(roles.migrator, reader=group)
    refused(roles.reader, "DELETE FROM prediction")
    refused(roles.reader, "SELECT 1 FROM migration")
    run(roles.reader, "SELECT 1 FROM prediction")


def test_who_may_not_give_rights_is_told_so(roles: Roles) -> None:
    with pytest.raises(StoreError, match="let an administrator"):
        grant(roles.writer, reader="somebody")
    with pytest.raises(StoreError, match="both writer and reader"):
        grant(roles.migrator, reader="same", writer="same")
    with psycopg.connect(roles.admin) as admin:
        assert admin.execute("SELECT 1 FROM pg_roles WHERE rolname IN ('somebody', 'same')").fetchone() is None
