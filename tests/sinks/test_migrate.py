"""The tables' life: a partition for each month, rows that waited in the default one, settings of the connection string."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from prediction_rows import row, rows
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from structlog.testing import capture_logs

from streaming.config import load_settings
from streaming.errors import StoreError, Unavailable
from streaming.sinks import STANDS, Busy
from streaming.sinks.connection import connect
from streaming.sinks.migrate import check_tables, migrate
from streaming.sinks.months import make_months
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.upkeep import keep_months

pytestmark = pytest.mark.integration
LATER = datetime(2040, 5, 31, 23, 59, tzinfo=UTC)
AROUND = ["prediction_2040_04", "prediction_2040_05", "prediction_2040_06", "prediction_2040_07"]


@pytest.fixture
def bare_dsn(settings_file: Path) -> str:
    return load_settings(settings_file).store.dsn.get_secret_value()


@pytest.fixture
def dsn(bare_dsn: str) -> str:
    migrate(bare_dsn)
    return bare_dsn


@pytest.fixture
def writer(dsn: str) -> Iterator[str]:
    """A role that may write predictions and owns nothing; its connection string."""
    role = f"writer_{os.urandom(4).hex()}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'w'".encode())
        admin.execute(f"GRANT SELECT, INSERT ON prediction TO {role}".encode())
    yield make_conninfo(dsn, user=role, password="w")
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def select(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def at(event_id: str, when: datetime, offset: int = 0) -> dict[str, object]:
    return row(event_id, offset=offset) | {"event_time": when}


def places(dsn: str) -> dict[object, object]:
    """Event id → the partition in which its row lies."""
    return dict(select(dsn, "SELECT event_id, tableoid::regclass::text FROM prediction"))  # type: ignore[arg-type]


def test_the_months_around_a_time_are_made_once(dsn: str) -> None:
    assert make_months(dsn, LATER) == AROUND
    assert make_months(dsn, LATER) == []
    PostgresSink(dsn).write(
        rows(at("first", datetime(2040, 4, 1, tzinfo=UTC)), at("last", datetime(2040, 7, 31, 23, 59, 59, tzinfo=UTC), 1))
    )
    assert places(dsn) == {"first": AROUND[0], "last": AROUND[3]}


def test_a_month_is_utcs_month_wherever_the_clock_stands(dsn: str) -> None:
    ahead_of_utc = datetime.fromisoformat("2040-06-01T01:00:00+02:00")
    assert make_months(dsn, ahead_of_utc) == AROUND


def test_rows_that_waited_in_the_default_partition_are_moved_so_that_retention_can_drop_them(dsn: str) -> None:
    inside, before, after = (datetime(2040, month, 15, tzinfo=UTC) for month in (5, 3, 9))
    sink = PostgresSink(dsn)
    batch = rows(at("inside", inside), at("before", before, 1), at("after", after, 2))
    sink.write(batch)
    content = select(dsn, "SELECT * FROM prediction ORDER BY event_id")
    assert set(places(dsn).values()) == {"prediction_default"}

    assert make_months(dsn, LATER) == ["prediction_2040_03", *AROUND]

    assert places(dsn) == {"inside": "prediction_2040_05", "before": "prediction_2040_03", "after": "prediction_default"}
    assert select(dsn, "SELECT * FROM prediction ORDER BY event_id") == content
    assert sink.write(batch).tolist() == [STANDS] * 3, "the rows are still known by their key"
    assert select(dsn, "SELECT count(*) FROM prediction") == [(3,)]
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE prediction_2040_05")
    assert set(places(dsn)) == {"before", "after"}


def test_rows_older_than_two_years_stay_where_they_are(dsn: str) -> None:
    PostgresSink(dsn).write(rows(at("wrong clock", datetime(1999, 12, 31, tzinfo=UTC))))
    assert make_months(dsn, LATER) == AROUND
    assert places(dsn) == {"wrong clock": "prediction_default"}


def test_migrating_moves_them_too(dsn: str) -> None:
    name = f"prediction_{datetime.now(UTC):%Y_%m}"
    with psycopg.connect(dsn) as connection:
        connection.execute(f"DROP TABLE {name}".encode())
    PostgresSink(dsn).write(rows(at("now", datetime.now(UTC))))
    assert places(dsn) == {"now": "prediction_default"}
    assert migrate(dsn) == []
    assert places(dsn) == {"now": name}


def test_a_writer_needs_no_more_rights_where_nothing_is_missing_and_is_warned_where_something_is(dsn: str, writer: str) -> None:
    make_months(dsn, LATER)
    with capture_logs() as logs:
        assert make_months(writer, LATER) == []
    assert logs == []
    with capture_logs() as logs:
        assert make_months(writer, datetime(2041, 1, 1, tzinfo=UTC)) == []
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("partitions_not_made", "warning")]
    assert "scoring store migrate" in logs[0]["remedy"]


def test_a_store_that_is_away_or_bare_is_a_warning(bare_dsn: str) -> None:
    with capture_logs() as logs:
        assert make_months("postgresql://scoring@127.0.0.1:1/scoring", LATER) == []
        assert make_months("no connection string", LATER) == []
        assert make_months(bare_dsn, LATER) == []
    assert [entry["event"] for entry in logs] == ["partitions_not_made"] * 3


def test_a_table_that_someone_holds_is_left_for_the_next_time(dsn: str) -> None:
    with psycopg.connect(dsn) as reader:
        reader.execute("SELECT count(*) FROM prediction")  # its locks last as long as its transaction
        with capture_logs() as logs:
            assert make_months(dsn, LATER) == []
    assert [entry["event"] for entry in logs] == ["partitions_not_made"]
    assert make_months(dsn, LATER) == AROUND


def test_a_row_on_its_way_to_the_default_partition_while_its_month_is_made_is_written_again(dsn: str) -> None:
    sink, batch, told = PostgresSink(dsn), rows(at("inside", datetime(2040, 5, 15, tzinfo=UTC))), []
    writer = Thread(target=lambda: told.append(sink.write(batch)))
    with psycopg.connect(dsn) as migrator, psycopg.connect(dsn, autocommit=True) as watcher:
        migrator.execute("SELECT make_prediction_month('2040-05-31')")
        writer.start()
        while watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'prediction_default'::regclass").fetchone() is None:
            assert writer.is_alive()
    writer.join()
    assert isinstance(told[0], Busy)
    assert "violates partition constraint" in told[0].reason
    assert sink.write(batch).tolist() == [STANDS]
    assert places(dsn) == {"inside": "prediction_2040_05"}


def test_the_thread_makes_what_is_missing_again_and_again(dsn: str) -> None:
    name = f"prediction_{datetime.now(UTC):%Y_%m}"
    stop = Event()
    thread = keep_months(dsn, stop, every_s=0.05)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(2):
            connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
            while connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() == (None,):
                assert thread.is_alive()
    stop.set()
    thread.join()


def test_tables_in_a_schema_of_the_users_own(bare_dsn: str) -> None:
    """The connection string's options stand beside the time-outs of the sink."""
    with psycopg.connect(bare_dsn) as connection:
        connection.execute("CREATE SCHEMA own")
    own = make_conninfo(bare_dsn, options="-c search_path=own")
    assert migrate(own)
    check_tables(own)
    sink = PostgresSink(own)
    assert sink.write(rows(row("a"))).tolist() == [STANDS]
    sink.close()
    assert select(bare_dsn, "SELECT count(*) FROM own.prediction") == [(1,)]
    with pytest.raises(StoreError, match="scoring store migrate"):
        check_tables(bare_dsn)


def test_settings_outlive_a_transaction_that_is_rolled_back(bare_dsn: str) -> None:
    own = make_conninfo(bare_dsn, options="-c search_path=own", application_name="mine", connect_timeout=3)
    with connect(own, {"statement_timeout": "1234ms", "lock_timeout": "567ms"}) as connection:
        assert not connection.autocommit
        connection.rollback()
        names = ("statement_timeout", "lock_timeout", "search_path", "application_name")
        shown = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
    assert shown == [("1234ms",), ("567ms",), ("own",), ("mine",)]
    with connect(bare_dsn) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("streaming-scoring",)
        assert conninfo_to_dict(connection.info.dsn)["connect_timeout"] == "5"


def test_a_role_that_may_not_make_tables_and_a_string_that_is_none_are_told_in_one_line(writer: str) -> None:
    bare = make_conninfo(writer, options="-c search_path=pg_catalog")
    with pytest.raises(StoreError, match=r"refused to make the tables \(42501\).*owner") as raised:
        migrate(bare)
    assert "\n" not in str(raised.value)
    with pytest.raises(StoreError, match="not a connection string"):
        migrate("no connection string")
    with pytest.raises(Unavailable, match="cannot be reached"):
        migrate("postgresql://scoring@127.0.0.1:1/scoring")
