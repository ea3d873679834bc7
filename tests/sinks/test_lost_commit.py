"""A connection that is cut at the COMMIT: whether it was done or not, the batch is written again to the same effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from cutting_proxy import CuttingProxy, Side
from prediction_rows import row, rows
from tests_support import a_plan

from streaming.errors import Unavailable
from streaming.sinks import CONFLICT, REPEAT, STANDS
from streaming.sinks.deployment_log import DeploymentLog
from streaming.sinks.migrate import migrate
from streaming.sinks.pool import Pool
from streaming.sinks.postgres import PostgresSink

pytestmark = pytest.mark.integration


@pytest.fixture
def dsn(services: Any) -> str:
    dsn = str(services.create_database())
    migrate(dsn)
    return dsn


@pytest.fixture
def proxy(dsn: str) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(dsn)
    yield proxy
    proxy.close()


def select(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def verdicts(sink: PostgresSink, *entries: dict[str, Any]) -> list[int]:
    return [int(verdict) for verdict in sink.write(rows(*entries))]


@pytest.mark.parametrize(("lost", "stored"), [("request", 0), ("reply", 3)])
def test_a_batch_is_written_again_with_the_verdicts_it_would_have_had(dsn: str, proxy: CuttingProxy, lost: Side, stored: int) -> None:
    sink = PostgresSink(proxy.dsn)
    verdicts(sink, row("before", offset=100))
    batch = [
        row("a", offset=1),
        row("b", entity="c2", offset=2, seconds=1),
        row("a", offset=3),
        row("before", body="other", offset=4),
        row("c", offset=5),
    ]
    proxy.cut = lost
    with pytest.raises(Unavailable, match="no answer"):
        sink.write(rows(*batch))
    assert proxy.cuts == 1
    assert select(dsn, "SELECT count(*) FROM prediction WHERE event_id <> 'before'") == [(stored,)]
    assert verdicts(sink, *batch) == [STANDS, STANDS, REPEAT, CONFLICT, STANDS]
    history, current = (
        select(dsn, "SELECT * FROM prediction ORDER BY source_offset"),
        select(dsn, "SELECT * FROM current_prediction ORDER BY 2"),
    )
    assert [found[1] for found in history] == ["a", "b", "c", "before"]
    assert verdicts(sink, *batch) == [STANDS, STANDS, REPEAT, CONFLICT, STANDS]
    sink.close()
    assert select(dsn, "SELECT * FROM prediction ORDER BY source_offset") == history
    assert select(dsn, "SELECT * FROM current_prediction ORDER BY 2") == current


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_deployment_is_noted_once(dsn: str, proxy: CuttingProxy, lost: Side) -> None:
    pool = Pool(proxy.dsn)
    log = DeploymentLog(pool)
    proxy.cut = lost
    with pytest.raises(Unavailable):
        log.note(a_plan())
    log.note(a_plan())
    pool.close()
    assert proxy.cuts == 1
    assert select(dsn, "SELECT plan_id FROM deployment_log") == [("q/0",)]
