"""The summary of rejections and the deployment log: written once, whatever is done again; the log never changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from tests_support import PLAN, a_plan

from streaming.errors import StoreError, Unavailable
from streaming.metrics.records import Metrics
from streaming.metrics.tally import Tally
from streaming.micro_batch.bookkeeping import Bookkeeping
from streaming.micro_batch.gather import metrics_record
from streaming.models.plan import Plan
from streaming.settings import Store
from streaming.sinks.deployment_log import DeploymentLog
from streaming.sinks.migrate import migrate
from streaming.sinks.pool import Pool
from streaming.sinks.rejection_summary import RejectionSummary, counts

REASONS = {"minimum": 2, "json": 1, "enum": 0}


def record(batch_id: int = 0, reasons: dict[str, int] = REASONS) -> Metrics:
    total = sum(reasons.values())
    by = {"rejected_by_producer": {"crm": total}, "rejected_by_schema_version": {"1": total}}
    tally = Tally(events=10, rejected_by_reason=reasons, **by)
    return metrics_record(a_plan(plan_id=f"q/{batch_id}", batch_id=batch_id), tally, duration_ms=1.0)


def a_version(version: str, **changes: Any) -> Plan:
    return a_plan(champion=msgspec.structs.replace(PLAN.champion, version=version), **changes)


def test_what_a_record_counts() -> None:
    expected = [("reason", "minimum", 2), ("reason", "json", 1), ("schema_version", "1", 3), ("producer", "crm", 3)]
    assert counts(record()) == expected
    assert counts(record(reasons={})) == []


def test_without_postgres_there_is_nothing_to_write() -> None:
    books = Bookkeeping(Store(kind="hbase"))
    books.begin(PLAN)
    books.end(record())


def test_a_server_that_is_away_is_unavailable_and_named_without_its_password() -> None:
    books = Bookkeeping(Store.model_validate({"dsn": "postgresql://scoring:geheim@127.0.0.1:1/scoring"}))
    with pytest.raises(Unavailable) as raised:
        books.begin(PLAN)
    assert "geheim" not in str(raised.value)
    with pytest.raises(StoreError, match="not a connection string"):
        Bookkeeping(Store.model_validate({"dsn": "no connection string"}))


@pytest.fixture
def dsn(services: Any) -> str:
    dsn = str(services.create_database())
    migrate(dsn)
    return dsn


@pytest.fixture
def pool(dsn: str) -> Iterator[Pool]:
    pool = Pool(dsn)
    yield pool
    pool.close()


def select(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.integration
def test_a_record_is_summed_up_once_and_never_mixed_with_another_try_of_its_batch(dsn: str, pool: Pool) -> None:
    summary = RejectionSummary(pool)
    for written in (record(0), record(0), record(1), record(0, {"minimum": 1, "scoring": 5}), record(2, {})):
        summary.write(written)
    by_reason = select(dsn, "SELECT value, sum(events)::int FROM rejection WHERE dimension = 'reason' GROUP BY 1 ORDER BY 1")
    assert by_reason == [("json", 2), ("minimum", 4)]
    (row,) = select(dsn, "SELECT deployment, events, planned_at <= ended_at FROM rejection WHERE (record_id, value) = ('q/1/0', 'crm')")
    assert row == ("churn_risk", 3, True)


@pytest.mark.integration
def test_a_version_is_noted_when_it_begins_to_serve_and_at_no_other_batch(dsn: str, pool: Pool) -> None:
    log = DeploymentLog(pool)
    for batch, version in enumerate(["1", "1", "2", "2", "1"]):
        log.note(a_version(version, plan_id=f"q/{batch}"))
    DeploymentLog(pool).note(a_version("1", plan_id="q/5"))  # a driver that was started again
    DeploymentLog(pool).note(a_version("2", plan_id="q/2"))  # and one that does a batch again
    log.note(a_version("3", plan_id="q/6", revision=1), changed_by="ada", evidence={"auc": 0.8})
    found = select(dsn, "SELECT plan_id, model_version, version_before, changed_by, evidence FROM deployment_log ORDER BY id")
    assert found == [
        ("q/0", "1", None, "score_events", {}),
        ("q/2", "2", "1", "score_events", {}),
        ("q/4", "1", "2", "score_events", {}),
        ("q/6", "3", "1", "ada", {"auc": 0.8}),
    ]
    assert select(dsn, "SELECT reason FROM deployment_log WHERE id = 1 OR plan_id = 'q/6' ORDER BY id") == [
        ("the registry named this champion",),
        ("revision 1 of a plan that could not be carried out",),
    ]


@pytest.mark.integration
@pytest.mark.parametrize("change", ["UPDATE deployment_log SET reason = ''", "DELETE FROM deployment_log", "TRUNCATE deployment_log"])
def test_not_even_the_owner_changes_the_log_by_accident(dsn: str, pool: Pool, change: str) -> None:
    DeploymentLog(pool).note(PLAN)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="deployment_log is append-only"):
        select(dsn, change)
    assert len(select(dsn, "SELECT 1 FROM deployment_log")) == 1


@pytest.mark.integration
def test_a_pool_replaces_what_broke_and_does_again_what_is_asked_again(dsn: str, pool: Pool) -> None:
    DeploymentLog(pool).note(PLAN)
    select(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
    RejectionSummary(pool).write(record())
    assert len(select(dsn, "SELECT 1 FROM rejection")) == 4
    with pytest.raises(StoreError, match=r"refused a look \(42P01\).*scoring store migrate"):
        pool.run(lambda connection: connection.execute("SELECT 1 FROM nothing"), what="a look")
