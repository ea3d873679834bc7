"""The faults by name: what causes each, and how its run differs from the plain one.

A fault is a function `cause(world, rng)` with the decorator `fault`; it runs in a thread of its own while events flow, waits
for its moment (`world.moment(rng)`), does its harm for real, and, where the harm ends, says `world.over()`. What must be so
before the topics are made and the job starts (a proxy, another cluster, other settings) is its `prepare(world, rng)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.world import World

Cause = Callable[["World", random.Random], None]
CLEAN = "nothing lost, doubled, altered, misrouted or miscounted"


def nothing(_: World, __: random.Random) -> None:
    """Prepare nothing; cause nothing."""


@dataclass(frozen=True)
class Fault:
    """One fault of the suite.

    name: as on the command line; cause: see above; expects: what must come of it, in words, for the table. refusal: a regular
    expression of what the job must say; empty: nothing in particular. goes_on: False where the job is to refuse for good: the
    run then ends when it has said so, and events without an outcome are not counted as lost. prepare: see above.
    settings: tables and keys that the job's configuration has besides, {"stream": {"max_offsets_per_trigger": 50}}.
    """

    name: str
    cause: Cause = field(compare=False)
    expects: str = CLEAN
    refusal: str = ""
    goes_on: bool = True
    prepare: Cause = field(default=nothing, compare=False)
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict, compare=False)


_FAULTS: dict[str, Fault] = {}


def fault(
    name: str,
    *,
    expects: str = CLEAN,
    refusal: str = "",
    goes_on: bool = True,
    prepare: Cause = nothing,
    settings: Mapping[str, Mapping[str, object]] | None = None,
) -> Callable[[Cause], Cause]:
    """Register the decorated function as a fault. Raises ValueError where another function has the name."""

    def register(cause: Cause) -> Cause:
        known = _FAULTS.get(name)
        # A test runner may import one file under two names: the same function again is no second fault.
        if known is not None and _source(known.cause) != _source(cause):
            raise ValueError(f"the fault {name} is there already, in {_source(known.cause)}; take another name")
        _FAULTS[name] = Fault(name, cause, expects, refusal, goes_on, prepare, settings or {})
        return cause

    return register


def faults() -> dict[str, Fault]:
    """Every fault by name: those of all files faults_*.py beside this one."""
    for path in sorted(Path(__file__).parent.glob("faults_*.py")):
        import_module(f"faults.{path.stem}")
    return dict(sorted(_FAULTS.items()))


def chosen(patterns: Sequence[str]) -> list[tuple[Fault, ...]]:
    """The faults of each run: every name that a pattern (`driver-kill*`) fits, in order; `a+b` is one run with both.

    No pattern: every fault, one by one. Raises ValueError for a pattern that fits none.
    """
    known = faults()
    runs: list[tuple[Fault, ...]] = []
    for pattern in patterns or ["*"]:
        if "+" in pattern and all(part in known for part in pattern.split("+")):
            runs.append(tuple(known[part] for part in pattern.split("+")))
            continue
        fitting = [(one,) for name, one in known.items() if fnmatchcase(name, pattern)]
        if not fitting:
            raise ValueError(f"no fault is named {pattern}; there are {', '.join(known)}")
        runs += fitting
    return runs


def _source(cause: Cause) -> tuple[object, ...]:
    """File and line of a function, and what a partial one is given."""
    given: tuple[object, ...] = ()
    while isinstance(cause, partial):
        given, cause = (*given, *(getattr(one, "__qualname__", one) for one in cause.args)), cause.func
    code = cause.__code__
    return (str(Path(code.co_filename).resolve()), code.co_firstlineno, *given)
