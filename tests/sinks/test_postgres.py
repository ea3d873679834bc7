"""PostgreSQL as a sink: idempotent, first row stands, current rows never go back."""

from __future__ import annotations

import random
import re
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
import pytest
from prediction_rows import row, rows

from streaming.config import load_settings
from streaming.errors import StoreError, Unavailable
from streaming.replay.selection import with_prediction
from streaming.sinks import CONFLICT, REPEAT, STANDS, Busy, addresses
from streaming.sinks.migrate import check_tables, migrate
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.replays import Replays

pytestmark = pytest.mark.integration


@pytest.fixture
def bare_dsn(settings_file: Path) -> str:
    return load_settings(settings_file).store.dsn.get_secret_value()


@pytest.fixture
def dsn(bare_dsn: str) -> str:
    migrate(bare_dsn)
    return bare_dsn


def select(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_migrations_are_applied_once_and_checked(bare_dsn: str) -> None:
    with pytest.raises(StoreError, match="scoring store migrate"):
        check_tables(bare_dsn)
    assert migrate(bare_dsn)
    assert migrate(bare_dsn) == []
    check_tables(bare_dsn)


def test_writing_again_changes_nothing_and_gives_the_same_verdicts(dsn: str) -> None:
    sink, batch = PostgresSink(dsn), rows(row("a"), row("b", offset=1, entity="c2"))
    first = sink.write(batch).tolist()
    before = select(dsn, "SELECT * FROM prediction ORDER BY event_id") + select(dsn, "SELECT * FROM current_prediction ORDER BY entity_id")
    assert sink.write(batch).tolist() == first == [STANDS, STANDS]
    after = select(dsn, "SELECT * FROM prediction ORDER BY event_id") + select(dsn, "SELECT * FROM current_prediction ORDER BY entity_id")
    assert after == before
    assert len(before) == 4


def test_the_same_event_from_another_address_is_a_repeat_or_a_conflict_and_the_first_row_stands(dsn: str) -> None:
    sink = PostgresSink(dsn)
    sink.write(rows(row("a", body="x", score=0.1), row("b", body="x", offset=1)))
    verdicts = sink.write(
        rows(row("a", body="x", offset=10, score=0.9), row("b", body="y", offset=11), row("b", body="x", offset=12), row("c", offset=13))
    )
    assert verdicts.tolist() == [REPEAT, CONFLICT, REPEAT, STANDS]
    assert select(dsn, "SELECT score, source_offset FROM prediction WHERE event_id = 'a'") == [(0.1, 0)]


def test_a_repeat_does_not_touch_the_current_row(dsn: str) -> None:
    sink = PostgresSink(dsn)
    sink.write(rows(row("a", body="x")))
    sink.write(rows(row("a", body="x", offset=9, source_partition=3)))
    assert select(dsn, "SELECT source_partition, source_offset FROM current_prediction") == [(0, 0)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_current_is_the_newest_whatever_the_order_of_arrival(dsn: str, order: tuple[int, ...]) -> None:
    sink = PostgresSink(dsn)
    for n in order:
        sink.write(rows(row(f"e{n}", seconds=n, offset=n, score=n / 10)))
    assert select(dsn, "SELECT event_id, score FROM current_prediction") == [("e2", 0.2)]
    assert select(dsn, "SELECT count(*) FROM prediction") == [(3,)]


def test_equal_event_times_are_ordered_by_broker_time_partition_and_offset(dsn: str) -> None:
    sink = PostgresSink(dsn)
    sink.write(rows(row("late", offset=5), row("early", offset=4)))
    assert select(dsn, "SELECT event_id FROM current_prediction") == [("late",)]
    sink.write(rows(row("other", offset=1, source_partition=1)))
    assert select(dsn, "SELECT event_id FROM current_prediction") == [("other",)]


def test_many_events_of_one_customer_in_one_batch(dsn: str) -> None:
    verdicts = PostgresSink(dsn).write(rows(*(row(f"e{n}", seconds=n % 7, offset=n) for n in range(500))))
    assert set(verdicts.tolist()) == {STANDS}
    assert select(dsn, "SELECT event_id FROM current_prediction") == [("e496",)]


def test_a_shadow_never_becomes_current(dsn: str) -> None:
    PostgresSink(dsn).write(rows(row("a", role="shadow", variant="next")))
    assert select(dsn, "SELECT count(*) FROM current_prediction") == [(0,)]


def test_texts_that_csv_could_break_come_back_whole(dsn: str) -> None:
    awkward = 'he said "no", then\n\\N and \t left; ünï 漢字'
    PostgresSink(dsn).write(rows(row("a", entity=awkward), row("b", offset=1, entity="")))
    assert {entity for (entity,) in select(dsn, "SELECT entity_id FROM prediction")} == {awkward, ""}


def test_a_connection_that_broke_is_unavailable_once_and_then_opened_again(dsn: str) -> None:
    sink = PostgresSink(dsn)
    sink.write(rows(row("a")))
    with psycopg.connect(dsn, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with pytest.raises(Unavailable):
        sink.write(rows(row("b", offset=1)))
    assert sink.write(rows(row("b", offset=1))).tolist() == [STANDS]


def test_a_server_that_is_away_is_unavailable_and_the_message_has_no_password(dsn: str) -> None:
    with pytest.raises(Unavailable) as raised:
        PostgresSink("postgresql://scoring:geheim@127.0.0.1:1/scoring").write(rows(row("a")))
    assert "geheim" not in str(raised.value)


def test_a_missing_table_is_a_store_error(bare_dsn: str) -> None:
    with pytest.raises(StoreError, match="scoring store migrate"):
        PostgresSink(bare_dsn).write(rows(row("a")))


def test_events_without_an_id_are_stored_without_one(dsn: str) -> None:
    at = {"prediction_id": "00000000-0000-5000-8000-000000000001"}
    assert PostgresSink(dsn).write(rows(row("a") | {"event_id": None} | at)).tolist() == [STANDS]
    assert select(dsn, "SELECT event_id FROM prediction") == [(None,)]
    assert select(dsn, "SELECT event_id FROM current_prediction") == [(None,)]


def test_an_address_has_one_prediction_whatever_a_mapping_made_of_its_replayed_event(dsn: str) -> None:
    sink, replayed = PostgresSink(dsn), np.array([True, True])
    first = rows(row("a", plan_id="q/1"), row("a", deployment="fraud", entity="c2", plan_id="q/1") | {"prediction_id": str(UUID(int=1))})
    assert Replays("q/1").store(first, replayed, sink.held, sink.write).tolist() == [STANDS, STANDS]
    assert Replays("q/1").store(first, replayed, sink.held, sink.write).tolist() == [STANDS, STANDS]
    second = rows(row("b", plan_id="q/2"), row("b", offset=1, plan_id="q/2"))
    assert Replays("q/2").store(second, replayed, sink.held, sink.write).tolist() == [CONFLICT, STANDS]
    assert Replays("q/2").store(first, replayed, sink.held, sink.write).tolist() == [REPEAT, REPEAT]
    assert len(select(dsn, "SELECT 1 FROM prediction")) == 3
    assert sink.held([]) == {}


def test_an_address_is_found_by_an_index_in_every_partition(dsn: str) -> None:
    partitions = select(dsn, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'prediction'::regclass")
    indexed = select(dsn, "SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%(source_partition, source_offset)'")
    assert {name for (name,) in indexed} == {"prediction", *(name for (name,) in partitions)}


def test_an_address_has_a_prediction_if_this_deployment_served_it(dsn: str, settings_file: Path) -> None:
    sink, store = PostgresSink(dsn), load_settings(settings_file).store
    sink.write(rows(row("a"), row("b", offset=1, role="shadow"), row("c", offset=2, deployment="fraud")))
    asked = [("t", 0, offset) for offset in range(4)]
    assert with_prediction(store, "risk", asked) == {("t", 0, 0)}
    assert with_prediction(store, "fraud", asked) == {("t", 0, 2)}
    assert with_prediction(store, "risk", []) == set()


def connections(dsn: str) -> int:
    return len(select(dsn, _OTHERS))


_OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_what_the_store_never_takes_is_a_store_error_and_leaves_no_connection(dsn: str) -> None:
    """A row of an index holds 2.7 kB: contracts keep entities below, a table may be fed past them."""
    long = random.Random(1).randbytes(8000).hex()
    sink = PostgresSink(dsn)
    with pytest.raises(StoreError, match=r"PostgreSQL refused predictions \(54000\): index row"):
        sink.write(rows(row("a", entity=long)))
    assert connections(dsn) == 0
    assert sink.write(rows(row("b"))).tolist() == [STANDS]


def test_a_missing_table_leaves_no_connection(bare_dsn: str) -> None:
    with pytest.raises(StoreError):
        PostgresSink(bare_dsn).write(rows(row("a")))
    assert connections(bare_dsn) == 0


def test_a_standby_that_takes_no_writes_is_waited_for(dsn: str) -> None:
    sink = PostgresSink(dsn)
    sink.write(rows(row("a")))
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
        sink.close()
        with pytest.raises(Unavailable, match="25006"):
            sink.write(rows(row("b", offset=1)))
        admin.execute("SET default_transaction_read_only = off")
        admin.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$")
    assert sink.write(rows(row("b", offset=1))).tolist() == [STANDS]


def test_a_lock_and_a_slow_statement_are_told_as_busy_and_keep_the_connection(dsn: str) -> None:
    sink = PostgresSink(dsn, statement_timeout_s=0.3)
    sink.write(rows(row("a")))
    mine = select(dsn, _OTHERS)
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE prediction IN ACCESS EXCLUSIVE MODE")
        for told in (sink.write(rows(row("b", offset=1))), sink.held(addresses(rows(row("a"))))):
            assert isinstance(told, Busy)
            assert re.match(r"PostgreSQL \((57014|55P03)\): canceling statement", told.reason)
            assert told.retry_after_s > 0
    assert select(dsn, "SELECT count(*) FROM prediction") == [(1,)]
    assert sink.write(rows(row("b", offset=1))).tolist() == [STANDS]
    assert select(dsn, _OTHERS) == mine
