"""The fault suite: `make chaos`, or `PYTHONPATH=tests python -m faults.run --fault driver-kill --seeds 3 --summary out.json`.

Each run has topics, database, checkpoint and job of its own; an independent producer sends events while the faults happen,
and an independent checker judges what is left. Exit code 1 if any run is not as its faults promise.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException
from faults.checker import FINDINGS, Verdict, check, without_gaps
from faults.evidence import gather, read_postgres
from faults.home import REPOSITORY, Home, quick_machines
from faults.registry import Fault, chosen
from faults.world import World

LEDGER = Path(__file__).with_name("ledger.py")
STUCK_CHARACTERS = 500
# A job that refuses to go on leaves events without an outcome, and batches without a record.
OF_A_REFUSAL = tuple(name for name in FINDINGS if name not in ("lost", "stale_current", "miscounted"))


@dataclass(frozen=True)
class Result:
    """One run's row.

    judged: the findings that must be 0. stuck: why it did not come to its end, in words; empty if it did. restarts: ends of the
    job in between. took_s: the whole run.
    """

    fault: str
    seed: int
    release: str
    expects: str
    verdict: Verdict
    judged: tuple[str, ...]
    recovery_s: float | None
    restarts: int
    took_s: float
    stuck: str

    def holds(self) -> bool:
        """Whether all is as promised."""
        return not self.stuck and not any(self.findings().values())

    def findings(self) -> dict[str, int]:
        """What must be 0 in this run, by name."""
        return {name: count for name, count in self.verdict.findings().items() if name in self.judged}

    def row(self) -> dict[str, object]:
        """As the summary has it."""
        counts = asdict(self.verdict)
        shown = counts.pop("shown")
        told = {name: getattr(self, name) for name in ("recovery_s", "restarts", "took_s", "stuck", "expects", "release")}
        told["stuck"] = self.stuck[:STUCK_CHARACTERS]  # the rest is in the job's log
        return {"fault": self.fault, "seed": self.seed, **counts, **told, "judged": list(self.judged), "shown": shown}


def run_once(home: Home, faults: Sequence[Fault], seed: int, folder: Path, adjust: Callable[[World], None] = lambda _: None) -> Result:
    """One run with these faults. adjust: called before `prepare`, for fewer events or another build."""
    began = time.monotonic()
    home.up()
    world = World(home, folder, seed)
    for one in faults:
        for table, keys in one.settings.items():
            world.settings.setdefault(table, {}).update(keys)
    adjust(world)
    with world.cleanup:  # a run's own broker or store is asked for the evidence before it goes
        try:
            for one in faults:
                one.prepare(world, _dice(one, seed, "prepare"))
            world.open()
            stuck = _traffic(world, faults)
        finally:
            world.close()
            home.up()
        stuck = stuck or _unrefused(world, faults)
        return _result(world, faults, stuck, round(time.monotonic() - began, 1))


def _result(world: World, faults: Sequence[Fault], stuck: str, took_s: float) -> Result:
    """Read what the run left, and judge it."""
    store = world.read_store or partial(read_postgres, world.dsn)
    places = {"bootstrap": world.bootstrap, "topic": world.topic}
    evidence = gather(world.ledger, **places, store=store, plans=world.watch.plans, files=world.files)
    return Result(
        fault="+".join(one.name for one in faults) or "none",
        seed=world.seed,
        release=version("streaming-scoring"),
        expects="; ".join(dict.fromkeys(one.expects for one in faults)),
        verdict=check(without_gaps(evidence, world.gaps)),
        judged=FINDINGS if all(one.goes_on for one in faults) else OF_A_REFUSAL,
        recovery_s=world.recovery_s(),
        restarts=len(world.job.ends),
        took_s=took_s,
        stuck=stuck,
    )


def _dice(one: Fault, seed: int, what: str) -> random.Random:
    return random.Random(f"{one.name}/{seed}/{what}")


def _traffic(world: World, faults: Sequence[Fault]) -> str:
    """Send the events, cause the faults meanwhile, wait until everything is done. Returns why not, if not."""
    try:
        world.wait_until("the job has begun to read", lambda: (world.checkpoint / "sources").exists() or bool(world.job.ends))
        sender = _sender(world)
        failed: list[str] = []
        causes = [threading.Thread(target=partial(_cause, world, one, failed), name=one.name) for one in faults]
        for thread in causes:
            thread.start()
        sender.wait()
        for thread in causes:
            thread.join()
        if failed or sender.returncode:
            return "; ".join(failed) or f"the producer ended with {sender.returncode}"
        if all(one.goes_on for one in faults):
            world.wait_until("every event is in a committed batch", world.is_done)
        else:
            world.wait_until("the job has refused", lambda: not _unrefused(world, faults))
    except TimeoutError as error:
        return str(error)
    return ""


def _sender(world: World) -> subprocess.Popen[bytes]:
    flags = {"bootstrap": world.bootstrap, "topic": world.topic, "events": world.events, "rate": world.rate, "seed": world.seed}
    arguments = [text for name, value in (flags | {"out": world.ledger}).items() for text in (f"--{name}", str(value))]
    return subprocess.Popen([sys.executable, str(LEDGER), *arguments])


def _cause(world: World, one: Fault, failed: list[str]) -> None:
    try:
        one.cause(world, _dice(one, world.seed, "cause"))
    except (OSError, RuntimeError, ValueError, KafkaException, psycopg.Error) as error:  # TimeoutError is an OSError
        failed.append(f"{one.name}: {type(error).__name__}: {error}")


def _unrefused(world: World, faults: Sequence[Fault]) -> str:
    """The refusal that was promised and is not in the job's log; empty if there is none such."""
    log = world.log_text()
    missing = [one.refusal for one in faults if one.refusal and not re.search(one.refusal, log)]
    return f"the job never said {missing[0]}" if missing else ""


def plan_of(asked: argparse.Namespace) -> list[tuple[tuple[Fault, ...], int]]:
    """The runs that were asked for, faults and seed, of all slices or of one."""
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    runs = [(one, seed) for one in chosen(asked.fault) for seed in seeds]
    number, of = (int(part) for part in asked.slice.split("/"))
    return runs[number - 1 :: of]


def add_results(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Add rows to a results file; a row of the same fault, seed and release takes the place of the one before."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    by_key = {(row["fault"], row["seed"], row["release"]): row for row in [*before, *rows]}
    path.write_text(json.dumps([by_key[key] for key in sorted(by_key)], indent=1) + "\n", encoding="utf-8")


def flags() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="faults.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--fault", action="append", default=[], help="name or pattern (driver-kill*); a+b: both in one run; may be repeated"
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs of each fault")
    parser.add_argument("--first-seed", type=int, default=1, help="the first run's seed; the others follow")
    parser.add_argument("--slice", default="1/1", help="i/n: every n-th run from the i-th; slices add up in one results file")
    parser.add_argument("--events", type=int, default=4000, help="events of each run")
    parser.add_argument("--rate", type=float, default=160, help="events sent in a second")
    parser.add_argument("--build", type=Path, default=REPOSITORY, help="folder with streaming/ and jobs/ of the build to run")
    parser.add_argument("--summary", type=Path, help="write the rows of this call here, as JSON")
    parser.add_argument("--results", type=Path, help="add the rows to this file, by fault, seed and release")
    parser.add_argument("--keep", type=Path, help="folder for logs, ledgers and checkpoints; without it only those of a failed run stay")
    parser.add_argument("--list", action="store_true", help="name the faults and what must come of each")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; returns the exit code."""
    asked = flags().parse_args(arguments)
    if asked.list:
        print("\n".join(f"{one.name:32} {one.expects}" for (one,) in chosen([])))
        return 0
    try:
        runs = plan_of(asked)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    quick_machines()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(130))  # by way of every `finally`: nothing is left running
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="scoring-faults-"))
    home = Home(folder / "home")
    results: list[Result] = []
    try:
        for number, (faults, seed) in enumerate(runs, 1):
            results.append(_one(home, faults, seed, folder, asked, f"{number}/{len(runs)}"))
            _write(asked, results)
    finally:
        home.close()
    if not asked.keep and all(one.holds() for one in results):
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(one.holds() for one in results) else 1


def _one(home: Home, faults: tuple[Fault, ...], seed: int, folder: Path, asked: argparse.Namespace, place: str) -> Result:
    def fewer(world: World) -> None:
        world.events, world.rate, world.source = asked.events, asked.rate, asked.build.resolve()

    run_folder = folder / f"{'+'.join(one.name for one in faults)}-{seed}-{time.time_ns()}"
    result = run_once(home, faults, seed, run_folder, fewer)
    found = {name: count for name, count in result.findings().items() if count}
    judged = result.verdict
    print(
        f"{place} {result.fault} seed {seed}: {'ok' if result.holds() else 'NOT AS PROMISED'}; {judged.acknowledged} acknowledged, "
        f"{judged.predicted} predicted, {judged.rejected} rejected, recovery {result.recovery_s} s, {result.took_s} s in all"
        + (f"; {found} {judged.shown} {result.stuck} see {run_folder}" if not result.holds() else ""),
        flush=True,
    )
    if result.holds() and not asked.keep:
        shutil.rmtree(run_folder, ignore_errors=True)
    return result


def _write(asked: argparse.Namespace, results: Sequence[Result]) -> None:
    rows = [result.row() for result in results]
    if asked.summary:
        asked.summary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if asked.results:
        add_results(asked.results, rows)


if __name__ == "__main__":
    sys.exit(main())
