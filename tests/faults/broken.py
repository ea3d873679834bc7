"""Builds of the service with one law broken on purpose: each must be caught by the judge, or the suite proves nothing.

`PYTHONPATH=tests python -m faults.broken` runs each of them with the fault that brings its breakage to light, and says whether
it was caught (exit code 1 if one was not).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.home import REPOSITORY, Home, quick_machines
from faults.registry import Fault, faults
from faults.run import Result, run_once
from faults.world import World

EVENTS = 1500


@dataclass(frozen=True)
class Change:
    """A text of a file under streaming/ that occurs once, and what stands there instead."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Breakage:
    """One law broken. fault: the run that brings it to light; finding: what the judge must find, see checker.FINDINGS."""

    law: str
    changes: tuple[Change, ...]
    fault: str
    finding: str


BREAKAGES = (
    Breakage(
        "a replayed batch makes a new plan",
        (
            Change("micro_batch/plan_log.py", "        plan, revision = None, 0\n        while", "        return None\n        while"),
            Change(
                "micro_batch/plan_log.py",
                "        created = self._files.create(",
                "        self._drop(plan.batch_id)\n        created = self._files.create(",
            ),
        ),
        "driver-kill-and-new-champion",
        "unplanned",
    ),
    Breakage(
        "a batch is committed though the store did not take it",
        (
            Change(
                "sinks/postgres.py",
                "            self.close()\n            raise judged(error) from None",
                "            self.close()\n            return {}",
            ),
        ),
        "store-stop",
        "lost",
    ),
    Breakage(
        "a row that is written again gets a new id",
        (
            Change(
                "sinks/postgres.py",
                "SELECT {_COLUMNS} FROM incoming ORDER BY event_time, prediction_id",
                "SELECT {_COLUMNS.replace('prediction_id', 'gen_random_uuid()', 1)} FROM incoming ORDER BY event_time, prediction_id",
            ),
        ),
        "driver-kill-after-sinks-before-metrics",
        "doubled",
    ),
    Breakage(
        "a rejected event is swallowed",
        (Change("sinks/rejected.py", "self._messages(rejected, model))", "self._messages(rejected.slice(1), model))"),),
        "worker-kill",
        "lost",
    ),
    Breakage(
        "the row that arrives last is current",
        (
            Change("sinks/postgres.py", '_NEWER = "event_time, received_at,', '_NEWER = "received_at,'),
            Change("sinks/postgres.py", "entity_id, event_time DESC, received_at DESC,", "entity_id, received_at DESC,"),
        ),
        "worker-kill",
        "stale_current",
    ),
    Breakage(
        "a batch that is recorded again counts again",
        (
            Change(
                "micro_batch/gather.py",
                'id=f"{plan.query_id}/{plan.batch_id}/0"',
                'id=f"{plan.query_id}/{plan.batch_id}/0/{datetime.now(UTC)}"',
            ),
        ),
        "driver-kill-after-metrics-before-commit",
        "miscounted",
    ),
)


def build(breakage: Breakage, folder: Path) -> Path:
    """Copy streaming/ and jobs/ to a folder, and break one law there. Returns the folder.

    Raises ValueError where a text to change does not occur exactly once: the product has changed, so must the breakage.
    """
    for part in ("streaming", "jobs"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for change in breakage.changes:
        path = folder / "streaming" / change.file
        text = path.read_text(encoding="utf-8")
        if (count := text.count(change.before)) != 1:
            raise ValueError(f"{breakage.law}: {change.before!r} is in {change.file} {count} times, expected once; adapt the breakage")
        path.write_text(text.replace(change.before, change.after), encoding="utf-8")
    return folder


def run_broken(home: Home, breakage: Breakage, folder: Path, *, seed: int = 1) -> Result:
    """A short run of the broken build with its fault."""
    source = build(breakage, folder / "build")

    def adjust(world: World) -> None:
        world.events, world.source = EVENTS, source

    return run_once(home, [fault_of(breakage)], seed, folder / "run", adjust)


def fault_of(breakage: Breakage) -> Fault:
    """The fault that brings a breakage to light. Raises KeyError if there is none of its name."""
    return faults()[breakage.fault]


def caught(breakage: Breakage, result: Result) -> bool:
    """Whether the judge found what it must, in a run that came to its end."""
    return result.verdict.findings()[breakage.finding] > 0 and not result.stuck


def main(breakages: Sequence[Breakage] = BREAKAGES) -> int:
    """Run every broken build; returns the exit code."""
    quick_machines()
    folder = Path(tempfile.mkdtemp(prefix="scoring-broken-"))
    home = Home(folder / "home")
    missed = 0
    try:
        for number, breakage in enumerate(breakages):
            result = run_broken(home, breakage, folder / str(number))
            found = {name: count for name, count in result.verdict.findings().items() if count}
            missed += not caught(breakage, result)
            print(f"{breakage.law}: {'caught' if caught(breakage, result) else 'NOT CAUGHT'}: {found} {result.stuck}", flush=True)
    finally:
        home.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
