"""What happens over time and under pressure: a soak, a burst, a slow store, and backlogs of growing size.

    python benchmarks/endurance.py --only burst --summary endurance.json

Each measure has a fresh database, topics and checkpoint, counts the rows that came in the end against the events that were sent,
and says what memory, open files and connections did. `--minutes 240` makes the soak one of hours.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg
from batches import full_batches, steady_rate
from contenders import Contender, Stream, running, wait_until
from load import Events, fill, pace
from memory import Trend, peaks, trend
from program import carry_out, machine, running_stand, shared_flags
from rich.console import Console
from stand import Place, Stand

# A statement on the history takes this much longer while the store is slow: a real wait at the server.
SLOW_S = 0.5
_SLOW = f"""
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({SLOW_S}); RETURN NULL; END $$;
    CREATE TRIGGER slow AFTER INSERT ON current_prediction FOR EACH STATEMENT EXECUTE FUNCTION slow()"""
_QUICK = "DROP TRIGGER slow ON current_prediction; DROP FUNCTION slow()"


def soak(place: Place, stand: Stand, options: argparse.Namespace) -> dict[str, Any]:
    """A steady rate for minutes: what grows?"""
    with running(lambda: Stream(place)) as stream:
        stream.await_ready()
        events, seconds = Events(options.entities), options.minutes * 60
        sent = pace(place.settings, events, rate=options.rate, seconds=60, alive=stream.check)
        with trend({**stand.service_pids(), **stream.pids()}, place.folder / "checkpoints") as samples:
            sent += pace(place.settings, events, rate=options.rate, seconds=seconds, alive=stream.check)
        _drained(stream, sent)
    return {"rate": options.rate, "minutes": options.minutes, **_counts(place, sent), "first_to_last_third": growth(samples)}


def burst(place: Place, stand: Stand, options: argparse.Namespace) -> dict[str, Any]:
    """Ten times the sustained rate for ten seconds, then the sustained rate again: how long until the lag is gone?"""
    with running(lambda: Stream(place)) as stream, peaks(stand.service_pids() | stream.pids()) as memory_mb:
        stream.await_ready()
        events = Events(options.entities)
        sent = pace(place.settings, events, rate=options.rate, seconds=20, alive=stream.check)
        began = time.monotonic()
        sent += pace(place.settings, events, rate=10 * options.rate, seconds=10, alive=stream.check)
        burst_s = time.monotonic() - began
        ended = time.monotonic()
        behind = sent - _seen(stream)
        target = sent
        rest = 0
        while _seen(stream) < target:
            rest += pace(place.settings, events, rate=options.rate, seconds=1, alive=stream.check)
        caught_up_s = time.monotonic() - ended
        _drained(stream, sent + rest)
    told = {"rate": options.rate, "burst_rate": round(10 * options.rate * 10 / burst_s), "behind_at_its_end": behind}
    return told | {"caught_up_s": round(caught_up_s, 1), **_counts(place, sent + rest), "memory_mb": memory_mb}


def slow_store(place: Place, stand: Stand, options: argparse.Namespace) -> dict[str, Any]:
    """The store answers half a second later for a while: latency grows, memory does not, nothing is lost."""
    found: dict[str, Any] = {}
    with running(lambda: Stream(place)) as stream:
        stream.await_ready()
        events, sent = Events(options.entities), 0
        sent += pace(place.settings, events, rate=options.rate, seconds=20, alive=stream.check)
        for name, statement in (("before", None), ("slow", _SLOW), ("after", _QUICK)):
            if statement:
                with psycopg.connect(place.settings.store.dsn.get_secret_value()) as connection:
                    connection.execute(statement.encode())
            first = len(stream.batches)
            with peaks(stand.service_pids() | stream.pids()) as memory_mb:
                sent += pace(place.settings, events, rate=options.rate, seconds=40, alive=stream.check)
            durations = [batch.duration_ms for batch in stream.batches[first:]]
            found[name] = {"batch_ms": round(median(durations)), "batches": len(durations), "memory_mb": memory_mb}
        _drained(stream, sent)
    return found | _counts(place, sent)


def backlog(place: Place, stand: Stand, options: argparse.Namespace) -> dict[str, Any]:
    """Backlogs of growing size, each drained by the same job: the cost of an event must not grow with the number of those before."""
    found: dict[str, Any] = {}
    total = 0
    with running(lambda: Stream(place)) as stream, peaks(stand.service_pids() | stream.pids()) as memory_mb:
        stream.await_ready()
        for size in options.sizes:
            first = len(stream.batches)
            fill(place.settings, Events(options.entities), size)
            total += size
            _drained(stream, total)
            batches = stream.batches[first:]
            full = full_batches(batches, stream.full)
            cost_us = 1000 * sum(batch.duration_ms for batch in batches) / max(1, sum(batch.events for batch in batches))
            found[f"{size:,}"] = {"us_per_event": round(cost_us, 1), "events_per_s": round(steady_rate(full) or 0), "batches": len(batches)}
    return found | _counts(place, total) | {"memory_mb": memory_mb}


def growth(samples: Trend) -> dict[str, dict[str, float]]:
    """By role and quantity, the median of the first third of the samples and of the last."""
    found: dict[str, dict[str, float]] = {}
    for name in sorted({name for sample in samples for name in sample}):
        values = [sample[name] for sample in samples if name in sample]
        third = max(1, len(values) // 3)
        found[name] = {"first": round(median(values[:third]), 1), "last": round(median(values[-third:]), 1)}
    return found


def _drained(stream: Contender, sent: int) -> None:
    wait_until(stream, lambda: _seen(stream) >= sent)


def _seen(stream: Contender) -> int:
    stream.check()
    return sum(batch.events for batch in stream.batches)


def _counts(place: Place, sent: int) -> dict[str, int]:
    """Sent, and what lies in the store: rows, and distinct addresses."""
    with psycopg.connect(place.settings.store.dsn.get_secret_value()) as connection:
        query = "SELECT count(*), count(DISTINCT (source_topic, source_partition, source_offset)) FROM prediction"
        rows, distinct = connection.execute(query).fetchone() or (0, 0)
    return {"sent": sent, "lost": sent - int(distinct), "doubled": int(rows) - int(distinct)}


MEASURES: dict[str, Callable[[Place, Stand, argparse.Namespace], dict[str, Any]]] = {
    "soak": soak,
    "burst": burst,
    "slow_store": slow_store,
    "backlog": backlog,
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=MEASURES, help="only these measures; may be given again")
    parser.add_argument("--rate", type=float, default=1000, help="sustained events a second (default 1,000)")
    parser.add_argument("--minutes", type=float, default=5, help="minutes of the soak (default 5)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="events of each backlog")
    return shared_flags(parser).parse_args()


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All chosen measures on one stand. Returns the summary."""
    found: dict[str, Any] = {"machine": machine(("streaming-scoring", "pyspark", "confluent-kafka")), "measures": {}}
    with running_stand(options, console) as stand:
        for name in options.only or MEASURES:
            with stand.place(name) as place:
                found["measures"][name] = MEASURES[name](place, stand, options)
            console.print(name, found["measures"][name])
    return found


def show(_: Console, found: dict[str, Any]) -> int:
    """Nothing that was not shown yet. Returns the exit code: 1 where an event was lost or doubled."""
    return int(any(measure["lost"] or measure["doubled"] for measure in found["measures"].values()))


def main() -> int:
    """Run, print, write. Returns the exit code."""
    return carry_out(arguments(), run, show)


if __name__ == "__main__":
    sys.exit(main())
