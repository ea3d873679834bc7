"""Harm at an exact place inside the job, without a line of the product changed: this folder stands on the job's PYTHONPATH alone.

SCORING_FAULT names points and the passing at which they strike, `in_scoring:7,after_plan:12`, each once: a file in
SCORING_FAULT_FOLDER remembers. A passing is counted in each process for itself.
"""

from __future__ import annotations

import functools
import importlib.machinery
import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

# point → module, function, whether it strikes before or after that function
POINTS = {
    "before_plan": ("streaming.micro_batch.plan_log", "PlanLog.create", "before"),
    "after_plan": ("streaming.micro_batch.plan_log", "PlanLog.create", "after"),
    "in_scoring": ("streaming.steps.score", "Score.__call__", "before"),
    "between_two_sinks": ("streaming.sinks.postgres", "PostgresSink.write", "after"),
    "after_sinks_before_metrics": ("streaming.sinks.record_topic", "RecordTopic.publish", "before"),
    "after_metrics_before_commit": ("streaming.sinks.record_topic", "RecordTopic.publish", "after"),
    "worker_hang": ("streaming.steps.score", "Score.__call__", "before"),
    "worker_oom": ("streaming.steps.score", "Score.__call__", "before"),
}
TOO_MUCH = 1 << 30


def strike(point: str) -> None:
    """Do the harm of a point."""
    if point == "worker_hang":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif point == "worker_oom":
        run_out_of_memory()
    else:
        # The keeper starts the driver's JVM in a session of its own: the session's first process group is JVM and driver's
        # Python. Workers are in another group, and find out by themselves, as after any kill of a driver.
        os.killpg(os.getsid(0), signal.SIGKILL)
        time.sleep(0.2)  # a worker goes on; the driver's Python does not come back from its own signal


def run_out_of_memory() -> None:
    """Let the system refuse this process memory; raises MemoryError, as the allocation that came next would."""
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + TOO_MUCH // 4, resource.RLIM_INFINITY))
    bytearray(TOO_MUCH)


def wrapped(function: Callable[..., Any], point: str, number: int, when: str) -> Callable[..., Any]:
    """The function, with a point before or after it."""
    passings = itertools.count(1)
    marker = Path(os.environ["SCORING_FAULT_FOLDER"]) / f"{point}.done"

    def pass_by() -> None:
        if next(passings) < number:
            return
        with suppress(FileExistsError):
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            strike(point)

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            pass_by()
        result = function(*arguments, **named)
        if when == "after":
            pass_by()
        return result

    return call


def put_in(module: ModuleType, point: str, number: int) -> None:
    """Wrap the function that a point names. Raises AttributeError where the module has none such."""
    _, name, when = POINTS[point]
    *owners, attribute = name.split(".")
    owner = functools.reduce(getattr, owners, module)
    setattr(owner, attribute, wrapped(getattr(owner, attribute), point, number, when))


class Finder:
    """Puts points into modules as they are imported."""

    def __init__(self, asked: dict[str, int]) -> None:
        self._asked = asked

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with a loader that wraps its functions once they are there; None for all other modules."""
        points = [point for point in self._asked if POINTS[point][0] == name]
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if points else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for point in points:
                put_in(module, point, self._asked[point])

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if os.environ.get("SCORING_FAULT"):
    pairs = (one.split(":") for one in os.environ["SCORING_FAULT"].split(","))
    sys.meta_path.insert(0, Finder({point: int(number) for point, number in pairs}))
