"""How long from an event's acknowledgement until its row is readable, at shares of what the service can take.

    python benchmarks/latency.py --summary latency.json

One job for all: first as many events as the producer can send tell the capacity (producer, broker, store and job share this
machine's cores, as they do in the measures that follow), then 10, 50 and 80 % of it. Beside them stands what a micro-batch of
Spark costs that does nothing (empty_batch.py), read from the same broker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from batches import latency, medians, quantiles
from contenders import Contender, Stream, running, wait_until
from load import Events, pace
from program import carry_out, machine, running_stand, shared_flags
from rich.console import Console
from rich.table import Table
from stand import Place

from streaming.errors import ServiceError
from streaming.local import jars
from streaming.local.java import java_home
from streaming.service.spark import submit_command, submit_environment

SHARES = (0.1, 0.5, 0.8)
UNBOUNDED = 1e9
WARM_UP_S = 15.0


def capacity(place: Place, stream: Contender, events: Events, seconds: float) -> float:
    """Events a second that the job scores while more of them come than it can take."""
    began = len(stream.batches)
    sent = pace(place.settings, events, rate=UNBOUNDED, seconds=seconds, alive=stream.check, most=round(seconds * 30_000))
    done = sum(batch.events for batch in stream.batches[:began])
    wait_until(stream, lambda: sum(batch.events for batch in stream.batches) >= done + sent)
    # The first batches still find the JVM cold, the last ones are not full.
    full = [batch for batch in stream.batches[began:] if batch.events >= max(b.events for b in stream.batches) / 2][1:]
    if len(full) < 2:
        raise ServiceError("the load was over before two full batches came; give --seconds more")
    return sum(batch.events for batch in full[1:]) / (full[-1].at - full[0].at).total_seconds()


def at_rate(place: Place, stream: Contender, events: Events, rate: float, seconds: float) -> dict[str, Any]:
    """Latency and batches at a steady rate."""
    done = sum(batch.events for batch in stream.batches)
    counted_from = datetime.now(UTC) + timedelta(seconds=WARM_UP_S)
    sent = pace(place.settings, events, rate=rate, seconds=WARM_UP_S + seconds, alive=stream.check)
    counted_until = datetime.now(UTC)
    wait_until(stream, lambda: sum(batch.events for batch in stream.batches) >= done + sent)
    batches = [batch for batch in stream.batches if counted_from <= batch.at < counted_until]
    counted, speed = latency(place.settings, counted_from, counted_until)
    return {
        "rate": round(rate),
        "sent_per_s": round(counted / speed.seconds),
        "latency_ms": speed.latency_ms,
        "batch": medians(batches),
        "duration_ms": quantiles([batch.duration_ms for batch in batches]),
    }


def empty_batch(place: Place, seconds: float) -> dict[str, Any]:
    """Durations of micro-batches that do nothing: see empty_batch.py. Raises ServiceError if it fails."""
    script, told = Path(__file__).with_name("empty_batch.py"), place.folder / "empty.json"
    archives = {"jars": jars.jar_paths("spark-kafka"), "local_files": jars.jar_paths("local-files")}
    command = [*submit_command(script, place.config, place.settings, **archives), "--seconds", str(seconds), "--out", str(told)]
    log = place.folder / "empty.log"
    with log.open("wb") as file:
        environment = submit_environment(java_home(), place.settings.spark.master)
        done = subprocess.run(command, stdout=file, stderr=file, env=environment, check=False)
    if done.returncode:
        raise ServiceError(f"the empty micro-batch ended with exit code {done.returncode}; see {log}")
    return dict(json.loads(told.read_text(encoding="utf-8")))


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All measures on one stand. Returns the summary."""
    before = machine(("streaming-scoring", "pyspark", "scikit-learn", "confluent-kafka"))
    events, measures = Events(options.entities), dict[str, Any]()
    with running_stand(options, console) as stand, stand.place("latency") as place:
        with running(lambda: Stream(place)) as stream:
            stream.await_ready()
            pace(place.settings, events, rate=500, seconds=10, alive=stream.check)  # the JVM's compiler has seen the path
            found = options.capacity or capacity(place, stream, events, options.seconds)
            console.print(f"capacity {found:,.0f} events/s")
            for share in SHARES:
                measures[f"{share:.0%}"] = at_rate(place, stream, events, share * found, options.seconds)
                console.print(f"{share:.0%}: {measures[f'{share:.0%}']['latency_ms']}")
        measures["empty_batch"] = empty_batch(place, min(options.seconds, 30))
    return {"machine": before, "capacity_per_s": round(found), "seconds": options.seconds, "measures": measures}


def print_summary(console: Console, found: dict[str, Any]) -> int:
    """A table of the shares. Returns the exit code."""
    table = Table("share", "events/s", "p50 ms", "p95 ms", "p99 ms", "batch p50 ms", "batch p99 ms", "p99 / batch p50")
    for share, measure in found["measures"].items():
        if "latency_ms" not in measure:
            continue
        wait, batch = measure["latency_ms"], measure["duration_ms"]
        ratio = f"{wait['p99'] / batch['p50']:.2f}" if wait and batch else ""
        table.add_row(share, str(measure["rate"]), *(f"{wait.get(q, 0):.0f}" for q in ("p50", "p95", "p99")),
                      f"{batch['p50']:.0f}", f"{batch['p99']:.0f}", ratio)  # fmt: skip
    console.print(table)
    console.print(f"an empty micro-batch of Spark: {found['measures']['empty_batch']}")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40, help="seconds of each measure that count (default 40)")
    parser.add_argument("--capacity", type=float, help="events a second to take shares of; default: measured first")
    return shared_flags(parser).parse_args()


def main() -> int:
    """Run, print, write. Returns the exit code."""
    return carry_out(arguments(), run, print_summary)


if __name__ == "__main__":
    sys.exit(main())
