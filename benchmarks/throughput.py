"""How fast the service scores, how long an event waits, what memory it takes; beside a bare loop over the same steps.

    python benchmarks/throughput.py --summary bench.json

Four measures, each on a fresh database and fresh topics: a backlog and a steady rate, for the stream and for the bare loop.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batches import full_batches, latency, medians, steady_rate
from contenders import Bare, Contender, Stream, running, wait_until
from load import Events, fill, pace
from memory import peaks
from program import carry_out, machine, running_stand, shared_flags
from rich.console import Console
from stand import Place, Stand, parse_overrides
from table import print_measure, print_ratios, ratios

MEASURES = ("stream-backlog", "bare-backlog", "stream-steady", "bare-steady")
WARM_UP_S = 15.0
# A backlog fills the bare loop's batches; at a steady rate it takes what is there.
BARE_WAIT_S = {"backlog": 1.0, "steady": 0.01}


@dataclass(frozen=True)
class Load:
    """What is sent. rate: events a second; seconds: how long it counts after the warm-up."""

    events: int
    rate: float
    seconds: float
    entities: int


def measure(name: str, stand: Stand, load: Load) -> dict[str, Any]:
    """Carry out one measure. Raises ScoringError if a part does not start or does not come to its end."""
    contender, _, shape = name.partition("-")
    with stand.place(name) as place:

        def start() -> Stream | Bare:
            return Stream(place) if contender == "stream" else Bare(place, BARE_WAIT_S[shape])

        return (_backlog if shape == "backlog" else _steady)(place, stand, load, start)


def _backlog(place: Place, stand: Stand, load: Load, start: Callable[[], Stream | Bare]) -> dict[str, Any]:
    filled_s = fill(place.settings, Events(load.entities), load.events)
    began = datetime.now(UTC)
    with running(start) as contender, peaks(stand.service_pids() | contender.pids()) as memory_mb:
        wait_until(contender, lambda: _seen(contender) >= load.events)
        batches = contender.batches
    full = full_batches(batches, contender.full)
    rate = steady_rate(full)
    return {
        "events": load.events,
        "events_per_s": round(rate) if rate else None,
        "full_batches": len(full),
        "batch_size": contender.full,
        "first_batch_after_s": round((batches[0].at - began).total_seconds(), 1),
        "produced_per_s": round(load.events / filled_s),
        "batch": medians(full[2:]),
        "memory_mb": memory_mb,
    }


def _steady(place: Place, stand: Stand, load: Load, start: Callable[[], Stream | Bare]) -> dict[str, Any]:
    with running(start) as contender, peaks(stand.service_pids() | contender.pids()) as memory_mb:
        contender.await_ready()
        counted_from = datetime.now(UTC) + timedelta(seconds=WARM_UP_S)
        sent = pace(place.settings, Events(load.entities), rate=load.rate, seconds=WARM_UP_S + load.seconds, alive=contender.check)
        counted_until = datetime.now(UTC)
        wait_until(contender, lambda: _seen(contender) >= sent)
        batches = [batch for batch in contender.batches if counted_from <= batch.at < counted_until]
        counted, speed = latency(place.settings, counted_from, counted_until)
    return {
        "rate": load.rate,
        "sent_per_s": round(counted / speed.seconds, 1),
        "counted": counted,
        "latency_ms": speed.latency_ms,
        "batch": medians(batches),
        "memory_mb": memory_mb,
    }


def _seen(contender: Contender) -> int:
    return sum(batch.events for batch in contender.batches)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=600_000, help="events of the backlog (default 600,000)")
    parser.add_argument("--rate", type=float, default=500, help="events a second of the steady rate (default 500)")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of the steady rate that count (default 60)")
    words = sorted({*MEASURES, *(word for name in MEASURES for word in name.split("-"))})
    parser.add_argument("--only", action="append", choices=words, help="only these measures; may be given again")
    return shared_flags(parser).parse_args()


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All chosen measures on one stand. Returns the summary."""
    load = Load(options.events, options.rate, options.seconds, options.entities)
    chosen = [name for name in MEASURES if not options.only or {name, *name.split("-")} & set(options.only)]
    before, measures = machine(("streaming-scoring", "pyspark", "scikit-learn", "confluent-kafka")), dict[str, dict[str, Any]]()
    with running_stand(options, console) as stand:
        for name in chosen:
            console.print(f"{name} …")
            measures[name] = measure(name, stand, load)
            print_measure(console, name, measures[name])
    settings = parse_overrides(options.set)
    return {"machine": before, "load": vars(load), "settings": settings, "measures": measures, "ratios": ratios(measures)}


def show(console: Console, found: dict[str, Any]) -> int:
    """The ratios. Returns the exit code."""
    print_ratios(console, found["ratios"])
    return 0


def main() -> int:
    """Run, print, write. Returns the exit code."""
    return carry_out(arguments(), run, show)


if __name__ == "__main__":
    sys.exit(main())
