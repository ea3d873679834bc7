"""The read path: how fast a reader gets current predictions while the stream writes, and what its index costs the writer.

Fills `current_prediction` on an embedded PostgreSQL of its own, then measures turns without and with the index of the riskiest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from streaming.local import postgres
from streaming.records import PREDICTION
from streaming.sinks.migrate import migrate, migrations
from streaming.sinks.pool import Pool
from streaming.sinks.postgres import PostgresSink

DEPLOYMENT = "churn_risk"
INDEX = "current_prediction_risk"
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 500
# Nine entities of ten are of the one deployment that is asked about. Their order on disk is not that of their scores.
FILL = """
    INSERT INTO current_prediction
    SELECT CASE WHEN n %% 10 = 0 THEN 'other' ELSE 'churn_risk' END, 'customer-' || n, md5(n::text)::uuid, 'event-' || n,
           'champion', 'champion',
           'churn', '1', ('x' || substr(md5(n::text || 's'), 1, 8))::bit(32)::bigint / 4294967296.0, 'No',
           %(at)s, %(at)s, %(at)s, 'customer_activity', n %% 4, n
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""
QUERIES = {
    "one entity": "SELECT * FROM current_prediction WHERE deployment = %s AND entity_id = %s",
    "top 20 at risk": "SELECT entity_id, score, predicted_class, event_time FROM current_prediction WHERE deployment = %s "
    "ORDER BY score DESC LIMIT 20",
}


@dataclass
class Stand:
    """A filled store: its connection string, how many rows, and where new events are numbered from."""

    dsn: str
    rows: int
    offset: int = 0

    def batch(self, draw: random.Random) -> pa.RecordBatch:
        """500 predictions of as many random entities, newer than what stands."""
        self.offset += BATCH
        return pa.RecordBatch.from_pylist([self._prediction(draw, self.offset + n) for n in range(BATCH)], schema=PREDICTION)

    def _prediction(self, draw: random.Random, offset: int) -> dict[str, Any]:
        at = START + timedelta(milliseconds=offset)
        row = dict.fromkeys(PREDICTION.names) | {"prediction_id": str(uuid.UUID(int=draw.getrandbits(128))), "entity_id": self.entity(draw)}
        row |= {"deployment": DEPLOYMENT, "role": "champion", "variant": "champion", "model_name": "churn", "model_version": "2"}
        row |= {"event_id": f"new-{offset}", "schema_version": 1, "score": draw.random(), "predicted_class": "No", "plan_id": "q/1"}
        row |= {"event_time": at, "received_at": at, "scored_at": at, "source_topic": "customer_activity", "source_partition": 0}
        return row | {"source_offset": 10**12 + offset, "payload_digest": f"{offset:064x}"}

    def entity(self, draw: random.Random) -> str:
        """An entity of the deployment asked about."""
        return f"customer-{draw.randrange(self.rows // 10) * 10 + draw.randrange(1, 10)}"


def percentiles(values_ms: Sequence[float]) -> dict[str, float]:
    """p50 and p99 of times in ms."""
    return {f"p{q}": round(float(np.percentile(values_ms, q)), 3) for q in (50, 99)}


def fill(stand: Stand, step: int = 1_000_000) -> None:
    """Insert the rows, then let the planner know of them."""
    with psycopg.connect(stand.dsn, autocommit=True) as connection:
        connection.execute(f"DROP INDEX IF EXISTS {INDEX}".encode())
        for first in range(1, stand.rows + 1, step):
            connection.execute(FILL.encode(), {"first": first, "last": min(first + step - 1, stand.rows), "at": START})
            print(f"filled {min(first + step - 1, stand.rows):,} of {stand.rows:,}", flush=True)
        connection.execute("VACUUM (ANALYZE) current_prediction")


def index_statement() -> str:
    """The statement that makes the index, from the migration that has it."""
    text = "".join(file.read_text(encoding="utf-8") for file in migrations())
    (found,) = re.findall(rf"^CREATE INDEX {INDEX} [^;]*", text, re.MULTILINE)
    return str(found)


def writes(stand: Stand, batches: int, seed: int) -> dict[str, Any]:
    """Write batches one after the other. Returns their durations, and the share of updates that needed no entry in any index (HOT)."""
    draw = random.Random(seed)
    warm, sink = PostgresSink(stand.dsn), PostgresSink(stand.dsn)
    warm.write(stand.batch(draw))
    warm.close()
    before, took = _updates(stand), list[float]()
    sink.held([("nobody", "asked", 0, 0)])  # connects
    for _ in range(batches):
        rows = stand.batch(draw)
        began = time.perf_counter()
        sink.write(rows)
        took.append((time.perf_counter() - began) * 1000)
    sink.close()
    updated, hot = (now - then for now, then in zip(_updates(stand), before, strict=True))
    return {"batch_ms": percentiles(took), "mean_ms": round(sum(took) / len(took), 2), "hot_share": round(hot / max(updated, 1), 3)}


def _updates(stand: Stand) -> tuple[int, int]:
    time.sleep(0.5)  # a backend tells the statistics when it ends, which takes a moment
    with psycopg.connect(stand.dsn) as connection:
        query = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'current_prediction'"
        found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return found[0], found[1]


def reads(stand: Stand, names: Sequence[str], count: int, seed: int) -> dict[str, Any]:
    """Ask each query `count` times at the server (EXPLAIN ANALYZE) and as a client, while a writer sends a batch of 500 each second."""
    stop, took = threading.Event(), list[float]()
    writer = threading.Thread(target=_trickle, args=(stand, stop, took))
    writer.start()
    pool, draw = Pool(stand.dsn), random.Random(seed)
    try:
        return {name: _asked(pool, QUERIES[name], lambda: _values(stand, name, draw), count) for name in names} | {  # noqa: B023
            "writer": {"batches": len(took), "batch_ms": percentiles(took or [0.0])}
        }
    finally:
        stop.set()
        writer.join()
        pool.close()


def _values(stand: Stand, name: str, draw: random.Random) -> tuple[str, ...]:
    return (DEPLOYMENT, stand.entity(draw)) if name == "one entity" else (DEPLOYMENT,)


def _asked(pool: Pool, query: str, values: Callable[[], tuple[str, ...]], count: int) -> dict[str, Any]:
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".encode()
    server, client = list[float](), list[float]()

    def ask(connection: psycopg.Connection) -> str:
        for _ in range(count):
            (plan,) = connection.execute(explain, values()).fetchone() or ([{}],)
            server.append(plan[0]["Execution Time"] + plan[0]["Planning Time"])
            began = time.perf_counter()
            connection.execute(query.encode(), values()).fetchall()
            client.append((time.perf_counter() - began) * 1000)
            connection.commit()
            time.sleep(0.005)
        shown = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query}".encode(), values()).fetchall()
        return "\n".join(line for (line,) in shown)

    text = pool.run(ask)
    return {"server_ms": percentiles(server), "client_ms": percentiles(client), "count": count, "explain": text}


def _trickle(stand: Stand, stop: threading.Event, took: list[float]) -> None:
    sink, draw = PostgresSink(stand.dsn), random.Random(7)
    while not stop.wait(max(0.0, 1 - (took[-1] / 1000 if took else 0))):
        rows = stand.batch(draw)
        began = time.perf_counter()
        sink.write(rows)
        took.append((time.perf_counter() - began) * 1000)
    sink.close()


def measured(stand: Stand, batches: int, count: int) -> dict[str, Any]:
    """Turns of the writer without, with, without and with the index; reads with it, and the lookup alone without."""
    turns: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    for turn, kind in enumerate(("without", "with", "without", "with")):
        with psycopg.connect(stand.dsn, autocommit=True) as connection:
            began = time.perf_counter()
            connection.execute((index_statement() if kind == "with" else f"DROP INDEX IF EXISTS {INDEX}").encode())
            made_s = time.perf_counter() - began
            connection.execute("CHECKPOINT")
        turns[kind].append(writes(stand, batches, seed=turn) | ({"index_made_s": round(made_s, 1)} if kind == "with" else {}))
        print(f"writer {kind} the index: {turns[kind][-1]}", flush=True)
    cost = sum(turn["mean_ms"] for turn in turns["with"]) / sum(turn["mean_ms"] for turn in turns["without"])
    return {
        "rows": stand.rows,
        "turns": turns,
        "writer_cost": round(cost, 2),
        "load_average": os.getloadavg()[0],
        "reads": reads(stand, list(QUERIES), count, seed=9),
        **_sizes(stand),
    }


def _sizes(stand: Stand) -> dict[str, Any]:
    query = f"SELECT pg_relation_size('current_prediction'), pg_relation_size('current_prediction_pkey'), pg_relation_size('{INDEX}')"
    with psycopg.connect(stand.dsn) as connection:
        table, key, index = connection.execute(query.encode()).fetchone() or (0, 0, 0)
    return {"size_mb": {"table": table // 10**6, "primary key": key // 10**6, "index": index // 10**6}}


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="current rows; at least 100")
    parser.add_argument("--batches", type=int, default=40, help="batches of 500 in each of the writer's four turns")
    parser.add_argument("--reads", type=int, default=2000, help="times that each query is asked, at the server and as a client")
    parser.add_argument("--summary", type=Path, help="write everything as JSON")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="read-path-"))
    try:
        memory = postgres.start(home)
        stand = Stand(postgres.dsn(home, memory), given.rows)
        migrate(stand.dsn)
        fill(stand)
        found = measured(stand, given.batches, given.reads)
    finally:
        postgres.halt(home)
        shutil.rmtree(home, ignore_errors=True)
    if given.summary:
        given.summary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name in QUERIES:
        print(f"\n{name}: {found['reads'][name]['server_ms']} ms at the server, {found['reads'][name]['client_ms']} ms at the client")
        print(found["reads"][name]["explain"])
    print(
        f"\nwriter meanwhile: {found['reads']['writer']}; with the index it takes {found['writer_cost']} × as long; {found['size_mb']} MB"
    )


if __name__ == "__main__":
    main()
