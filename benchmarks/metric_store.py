"""Does the metric store hold ten thousand models on one machine, and does what it keeps make it slower?

    python benchmarks/metric_store.py --summary metric_store.json

A PostgreSQL of its own, in a folder that is removed. Each turn, every model has one batch in one minute of another day; a metrics record
speaks of `--models-per-record` of them. Told are ratios: the CPU time per event (client and server) of the last turns to that of the first
ones after a warm-up (1: what is kept costs nothing), and a query over a year to one over a day, of the same model, by the level that
`auto` chooses.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import psycopg

from streaming.local import postgres
from streaming.metrics.records import Group, Metrics, encode
from streaming.metrics.sketches import Histogram, latency_sketch
from streaming.records import rfc3339
from streaming.sinks.metric_store.batch import Message
from streaming.sinks.metric_store.query import Question, level_of, query
from streaming.sinks.metric_store.write import MetricStore
from streaming.sinks.migrate import migrate

EVENTS = 200  # of a model in a batch
WARM_UP = 2
DICE = np.random.default_rng(7)


def record(turn: int, first: int, models: int, now: datetime) -> Metrics:
    """The record of one micro-batch of that many models of one deployment, from the model with number `first` on."""
    counts = DICE.multinomial(EVENTS, [0.1] * 10)
    scores = Histogram(counts.tolist())
    groups = [
        Group("champion", "champion", f"model_{n}", "1", "0" * 64, 1, EVENTS, {}, scores, 80.0, 40.0) for n in range(first, first + models)
    ]
    latency = latency_sketch(DICE.gamma(2.0, 100.0, size=EVENTS))
    at, scored = rfc3339(now), EVENTS * models
    return Metrics(
        id=f"q/{turn}/{first}", at=at, now=at, deployment=f"d_{first}", stream="s", query_id="q", batch_id=turn, chunk=0, chunks=1,
        plan_id="p", offsets={}, events=scored, scored=scored, repeated=0, rejected=0, rejected_by_reason={}, groups=groups,
        latency_ms=latency, parts_ms={"score": 1.0}, duration_ms=100.0, events_per_s=1.0,
    )  # fmt: skip


def messages(turn: int, now: datetime, models: int, each: int, begin: int) -> Iterator[Message]:
    """A turn's messages."""
    for place, first in enumerate(range(0, models, each)):
        yield Message("t", 0, begin + place, encode(record(turn, first, min(each, models - first), now)))


def cpu_s(server: psycopg.Connection) -> float:
    """Seconds that this process and the server's, for this database, have computed: other programs do not disturb them."""
    pids = server.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()").fetchall()
    return time.process_time() + sum(sum(psutil.Process(pid).cpu_times()[:2]) for (pid,) in pids)


def write(store: MetricStore, server: psycopg.Connection, turns: int, models: int, each: int, batch: int) -> list[float]:
    """Microseconds of CPU per event of each turn; turn t is t days before the last."""
    today, place, spent = datetime.now(UTC).replace(hour=0, minute=30, second=0, microsecond=0), 0, []
    for turn in range(turns):
        said = list(messages(turn, today - timedelta(turns - 1 - turn), models, each, place))
        place += len(said)
        began = cpu_s(server)
        for start in range(0, len(said), batch):
            store.write(said[start : start + batch])
        spent.append((cpu_s(server) - began) / (models * EVENTS) * 1e6)
    return spent


def asked(dsn: str, days: float, repeats: int) -> dict[str, float | str]:
    """Median milliseconds of a query of one model's score over so many days, and how many points it gives."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    question = Question("score", end - timedelta(days), end, model="model_0")
    level, times, points = level_of(question, 14, end), [], 0
    for _ in range(repeats):
        began = time.perf_counter()
        points = len(list(query(dsn, question, level)))
        times.append((time.perf_counter() - began) * 1000)
    return {"level": level, "points": points, "ms": round(statistics.median(times), 3)}


def measure(turns: int, models: int, each: int, batch: int, repeats: int) -> dict[str, object]:
    """All figures, by a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            dsn = postgres.dsn(home, postgres.start(home))
            migrate(dsn)
            store = MetricStore(dsn)
            with psycopg.connect(dsn, autocommit=True) as server:
                spent = write(store, server, turns, models, each, batch)
                store.close()
                rows = server.execute("SELECT (SELECT count(*) FROM metric_minute), pg_database_size(current_database())").fetchone() or (
                    0,
                    0,
                )
            year, day = asked(dsn, 365, repeats), asked(dsn, 1, repeats)
        finally:
            postgres.halt(home)
    third = max(1, (turns - WARM_UP) // 3)
    first, last = statistics.median(spent[WARM_UP : WARM_UP + third]), statistics.median(spent[-third:])
    return {
        "models": models,
        "turns": turns,
        "minute_rows": rows[0],
        "size_mb": round(rows[1] / 1e6, 1),
        "us_per_event": {"first": round(first, 3), "last": round(last, 3)},
        "last_to_first": round(last / first, 3),
        "year": year,
        "day": day,
        "year_to_day": round(float(year["ms"]) / float(day["ms"]), 3),
    }


def main() -> None:
    """Measure, show, and write the summary."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--models", type=int, default=10_000)
    arguments.add_argument("--models-per-record", type=int, default=50)
    arguments.add_argument("--turns", type=int, default=60, help="minutes, each of another day, that are kept at the end")
    arguments.add_argument("--batch", type=int, default=100, help="records in a transaction")
    arguments.add_argument("--repeats", type=int, default=50, help="times that each query is asked")
    arguments.add_argument("--summary", type=Path)
    options = arguments.parse_args()
    found = measure(options.turns, options.models, options.models_per_record, options.batch, options.repeats)
    text = json.dumps(found, indent=2)
    print(text)
    if options.summary:
        options.summary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
