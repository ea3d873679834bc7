"""How fast the service scores, how long an event waits, what memory it takes; beside a bare loop over the same steps.

    python benchmarks/throughput.py --summary bench.json

Four measures, each on a fresh database and fresh topics: a backlog and a steady rate, for the stream and for the bare loop.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from batches import full_batches, latency, medians, steady_rate
from contenders import Bare, Contender, Stream, running, wait_until
from load import Events, fill, pace
from memory import peaks
from rich.console import Console
from stand import REPOSITORY, Place, Stand, parse_overrides
from table import print_measure, print_ratios, ratios

from streaming.errors import ScoringError
from streaming.local import services

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
    parser.add_argument("--entities", type=int, default=2000, help="distinct customers (default 2,000)")
    words = sorted({*MEASURES, *(word for name in MEASURES for word in name.split("-"))})
    parser.add_argument("--only", action="append", choices=words, help="only these measures; may be given again")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="a setting of the jobs; may be given again")
    parser.add_argument("--summary", type=Path, help="write everything as JSON to this file")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and data there")
    return parser.parse_args()


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All chosen measures on one stand, which is stopped at the end however that comes. Returns the summary."""
    load = Load(options.events, options.rate, options.seconds, options.entities)
    overrides = parse_overrides(options.set)
    chosen = [name for name in MEASURES if not options.only or {name, *name.split("-")} & set(options.only)]
    before, measures = machine(("streaming-scoring", "pyspark", "scikit-learn", "confluent-kafka")), dict[str, dict[str, Any]]()
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="scoring-bench-"))
        stack.callback(_end, home, options.keep, console)
        console.print("services start, a model is trained …")
        stand = Stand(home, overrides)
        for name in chosen:
            console.print(f"{name} …")
            measures[name] = measure(name, stand, load)
            print_measure(console, name, measures[name])
    return {"machine": before, "load": vars(load), "settings": overrides, "measures": measures, "ratios": ratios(measures)}


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """What a run is to be compared with: time, cores, the load before, the versions of Python and of these packages."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _end(home: Path, keep: bool, console: Console) -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    services.down(home)
    if keep:
        console.print(f"logs and data are in {home}")
    else:
        shutil.rmtree(home)
    for number, handler in before.items():
        signal.signal(number, handler)


def main() -> int:
    """Run, print, write. Returns the exit code: 1 with one line where something went wrong, 130 after Ctrl-C or SIGTERM."""
    options, console = arguments(), Console()
    summary = options.summary.resolve() if options.summary else None
    os.chdir(REPOSITORY)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = run(options, console)
    except ScoringError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print_ratios(console, found["ratios"])
    if summary:
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
