"""Old months go whole, old stray rows go in bites, and what is current stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from prediction_rows import row, rows
from structlog.testing import capture_logs
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.sinks.migrate import migrate
from streaming.sinks.months import make_months
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.retention import retain
from streaming.sinks.upkeep import drop_old_months, keep_months

pytestmark = pytest.mark.integration
NOW = datetime(2040, 5, 31, 23, 59, tzinfo=UTC)
AGES = {
    "this": (2040, 5, 1),
    "last": (2040, 4, 1),
    "edge": (2040, 2, 1),
    "old": (2040, 1, 31),
    "older": (2039, 6, 1),
    "stray": (1999, 12, 31),
}
NO_LABELS = {"prediction_label": 0, "label": 0, "label_refused": 0}


@pytest.fixture
def dsn(settings_file: Path) -> str:
    """A store with one prediction of each age, each of an entity of its own; all but the stray in months of their own."""
    dsn = load_settings(settings_file).store.dsn.get_secret_value()
    migrate(dsn)
    entries = [row(name, entity=name, offset=n) | {"event_time": datetime(*day, tzinfo=UTC)} for n, (name, day) in enumerate(AGES.items())]
    PostgresSink(dsn).write(rows(*entries))
    make_months(dsn, NOW)
    summed = "SELECT 'q/' || n, 'reason', 'json', 'd', 1, t, t FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS u (t, n)"
    execute(dsn, f"INSERT INTO rejection {summed}", [[datetime(*day, tzinfo=UTC) for day in AGES.values()]])
    return dsn


def execute(dsn: str, query: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(query.encode(), values)
        return found.fetchall() if found.description else []


def held(dsn: str) -> set[str]:
    return {name for (name,) in execute(dsn, "SELECT event_id FROM prediction")}


def partitions(dsn: str) -> set[str]:
    return {name for (name,) in execute(dsn, "SELECT relname FROM pg_class WHERE relname LIKE 'prediction_2___\\___' AND relkind = 'r'")}


def test_what_is_older_goes_and_a_second_call_finds_nothing(dsn: str) -> None:
    dropped = ["prediction_2039_06", "prediction_2040_01"]
    made_by_migrating = {name for name in partitions(dsn) if name < "prediction_2039"}
    planned = retain(dsn, 3, NOW, dry_run=True)
    assert (held(dsn), planned.rows) == (set(AGES), NO_LABELS | {"prediction_default": 1, "rejection": 3})
    went = retain(dsn, 3, NOW)
    assert went == planned
    assert went.partitions == [*sorted(made_by_migrating), *dropped]
    assert held(dsn) == {"this", "last", "edge"}
    assert not partitions(dsn) & set(went.partitions)
    assert execute(dsn, "SELECT count(*) FROM rejection") == [(3,)]
    assert {name for (name,) in execute(dsn, "SELECT event_id FROM current_prediction")} == set(AGES), "current rows stay"
    assert retain(dsn, 3, NOW) == ([], NO_LABELS | {"prediction_default": 0, "rejection": 0})


def test_stray_rows_go_in_bites(dsn: str) -> None:
    PostgresSink(dsn).write(rows(*(row(f"s{n}", offset=100 + n) | {"event_time": datetime(1999, 1, 1, tzinfo=UTC)} for n in range(10))))
    execute(dsn, "CREATE TABLE bites (rows bigint)")
    execute(dsn, """CREATE FUNCTION bite() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO bites SELECT count(*) FROM gone; RETURN NULL; END'""")  # fmt: skip
    execute(dsn, """CREATE TRIGGER bite AFTER DELETE ON prediction_default REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION bite()""")  # fmt: skip
    assert retain(dsn, 3, NOW, chunk_rows=3).rows["prediction_default"] == 11
    assert execute(dsn, "SELECT rows FROM bites") == [(3,), (3,), (3,), (2,), (0,)]


def test_partitions_of_the_users_own_names_count_by_their_bounds(dsn: str) -> None:
    execute(dsn, """CREATE TABLE "Old; 'x'" PARTITION OF prediction FOR VALUES FROM ('1998-01-01+05') TO ('1998-07-01+05')""")
    went = retain(dsn, 3, NOW)
    assert "\"Old; 'x'\"" in went.partitions
    assert execute(dsn, "SELECT 1 FROM pg_class WHERE relname LIKE 'Old%'") == []


def test_a_table_that_someone_holds_is_left_for_the_next_time(dsn: str) -> None:
    with psycopg.connect(dsn) as reader:
        reader.execute("SELECT count(*) FROM prediction_2040_01")
        with capture_logs() as logs:
            drop_old_months(dsn, 3, NOW)
    assert [(entry["event"], "55P03" in entry["error"]) for entry in logs] == [("retention_left", True)]
    assert "old" in held(dsn)
    with capture_logs() as logs:
        drop_old_months(dsn, 3, NOW)
    assert [entry["event"] for entry in logs] == ["retention_done"]
    assert "old" not in held(dsn)


def test_the_thread_drops_them_only_where_it_is_asked_to(dsn: str) -> None:
    for months, expected in ((0, {"stray"}), (1, set())):
        stop = Event()
        thread = keep_months(dsn, stop, retention_months=months, every_s=600)
        stop.set()
        thread.join()
        assert held(dsn) & {"stray"} == expected


def test_the_command(dsn: str, settings_file: Path) -> None:
    called = CliRunner().invoke(app, ["store", "retain", "--config", str(settings_file)])
    assert called.exit_code, "without a number of months nothing is dropped"
    arguments = ["store", "retain", "--config", str(settings_file), "--months", "1"]
    told = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert told.exit_code == 0
    assert told.output == (
        "would drop no partition; 1 rows of prediction_default, 1 rows of rejection, "
        "0 rows of prediction_label, 0 rows of label, 0 rows of label_refused\n"
    )
    assert "stray" in held(dsn)
    as_json = CliRunner().invoke(app, [*arguments, "--json"])
    assert json.loads(as_json.output) == {"partitions": [], "rows": NO_LABELS | {"prediction_default": 1, "rejection": 1}}
    assert "stray" not in held(dsn)
    settings_file.write_text(settings_file.read_text().replace('kind = "postgres"', 'kind = "hbase"'))
    elsewhere = CliRunner().invoke(app, arguments)
    assert "only postgres is cleared" in str(elsewhere.exception)
