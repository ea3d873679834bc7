"""A store of every released version, with its data, comes to this release whole; or it stays as it was."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prediction_rows import row, rows

from streaming.errors import StoreError
from streaming.sinks import CONFLICT, REPEAT, STANDS
from streaming.sinks.migrate import check_tables, migrate, migrations
from streaming.sinks.postgres import PostgresSink

pytestmark = pytest.mark.integration
FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "store"
RELEASED = sorted(FOLDER.glob("*.sql"))
NAMES = [file.name for file in migrations()]
TABLES = ("prediction", "current_prediction")
FIRST = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def bare_dsn(services: Any) -> str:
    return str(services.create_database())


@pytest.fixture(params=RELEASED, ids=lambda file: file.stem)
def released(request: pytest.FixtureRequest, bare_dsn: str) -> tuple[str, str]:
    """Number of a release's newest migration, and a store of that release."""
    restore(bare_dsn, request.param)
    return request.param.stem, bare_dsn


def restore(dsn: str, file: Path) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(file.read_text(encoding="utf-8").encode())


def select(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def content(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    return {table: select(dsn, f"SELECT * FROM {table} ORDER BY {table}::text") for table in TABLES}


def test_the_present_version_is_among_them_and_no_released_migration_has_changed() -> None:
    """A new migration comes with a dump of its store, and with its line in CHECKSUMS."""
    assert RELEASED[-1].stem == NAMES[-1][:4]
    written = (FOLDER / "CHECKSUMS").read_text(encoding="utf-8").splitlines()
    assert written == [f"{sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in migrations()]


def test_its_rows_are_intact_and_a_second_call_changes_nothing(released: tuple[str, str]) -> None:
    number, dsn = released
    before = content(dsn)
    assert (len(before["prediction"]), len(before["current_prediction"])) == (8, 5)
    assert migrate(dsn) == [name for name in NAMES if name[:4] > number]
    assert content(dsn) == before
    assert migrate(dsn) == []
    assert content(dsn) == before
    check_tables(dsn)
    assert len(select(dsn, "SELECT 1 FROM deployment_log")) == len(select(dsn, "SELECT 1 FROM rejection")) == (2 if number > "0002" else 0)


def test_the_sink_goes_on_where_it_stopped(released: tuple[str, str]) -> None:
    _, dsn = released
    migrate(dsn)
    sink = PostgresSink(dsn)
    first = row("first", score=0.1) | dict.fromkeys(("event_time", "received_at", "scored_at"), FIRST)
    verdicts = sink.write(rows(first | {"score": 0.9}, row("new", offset=77)))
    assert verdicts.tolist() == [STANDS, STANDS]
    again = sink.write(rows(first | {"source_offset": 78}))
    other = sink.write(rows(row("first", body="other", offset=79) | dict.fromkeys(("event_time", "received_at", "scored_at"), FIRST)))
    assert [*again, *other] == [REPEAT, CONFLICT]
    sink.close()
    assert select(dsn, "SELECT score FROM prediction WHERE event_id = 'first'") == [(0.1,)]
    assert select(dsn, "SELECT event_id FROM current_prediction WHERE (deployment, entity_id) = ('risk', 'c1')") == [("second",)]


def test_a_migration_that_fails_half_way_leaves_the_version_before(bare_dsn: str) -> None:
    restore(bare_dsn, RELEASED[0])
    with psycopg.connect(bare_dsn) as someone:
        someone.execute("CREATE TABLE public.deployment_log (theirs text)")
    before, version = content(bare_dsn), select(bare_dsn, "SELECT * FROM migration ORDER BY name")
    relations = select(bare_dsn, "SELECT relname FROM pg_class ORDER BY relname")
    with pytest.raises(StoreError, match=r"42P07.*deployment_log"):
        migrate(bare_dsn)
    assert (content(bare_dsn), select(bare_dsn, "SELECT * FROM migration ORDER BY name")) == (before, version)
    assert select(bare_dsn, "SELECT relname FROM pg_class ORDER BY relname") == relations
    with psycopg.connect(bare_dsn) as someone:
        someone.execute("DROP TABLE public.deployment_log")
    assert migrate(bare_dsn) == NAMES[1:]


def test_migrators_at_once_take_turns(bare_dsn: str) -> None:
    restore(bare_dsn, RELEASED[0])
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(bare_dsn))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [[], [], [], NAMES[1:]]
