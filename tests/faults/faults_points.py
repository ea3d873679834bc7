"""kill -9 of the driver at every step of a micro-batch, and what a worker can suffer within its task: see inject/."""

from __future__ import annotations

import random
from functools import partial

from faults.registry import fault
from faults.world import World

KILLS = ("before_plan", "after_plan", "in_scoring", "between_two_sinks", "after_sinks_before_metrics", "after_metrics_before_commit")


def arm(point: str, world: World, rng: random.Random) -> None:
    """Let a point strike at a random passing, early enough that a run of this length comes to it."""
    asked = f"{point}:{rng.randint(3, max(4, world.events // 200))}"
    world.environment["SCORING_FAULT"] = ",".join(filter(None, [world.environment.get("SCORING_FAULT"), asked]))


def struck(point: str, world: World) -> None:
    """Wait until a point has struck. Raises TimeoutError if it does not: then there was no fault."""
    world.wait_until(f"{point} has struck", (world.folder / f"{point}.done").exists)


def _killed_at(point: str, world: World, _: random.Random) -> None:
    struck(point, world)


for _point in KILLS:
    fault(f"driver-kill-{_point.replace('_', '-')}", prepare=partial(arm, _point))(partial(_killed_at, _point))


@fault("driver-kill-and-new-champion", prepare=partial(arm, "in_scoring"))
def move_the_alias_while_the_driver_is_down(world: World, _: random.Random) -> None:
    """kill -9 of the driver in scoring; before it is started again, another version is made champion. The batch keeps its plan."""
    world.job.hold.set()
    struck("in_scoring", world)
    world.wait_until("the job has ended", lambda: bool(world.job.ends))
    world.home.train()
    world.job.hold.clear()
    world.over()


@fault("worker-oom", prepare=partial(arm, "worker_oom"))
def starve_a_worker(world: World, _: random.Random) -> None:
    """The system refuses a worker memory in the middle of scoring: a real limit, a real MemoryError."""
    struck("worker_oom", world)
    world.over()


@fault("worker-hang", prepare=partial(arm, "worker_hang"), settings={"stream": {"worker_limit_s": 20}})
def hang_a_worker(world: World, _: random.Random) -> None:
    """A worker stops in the middle of scoring for good: its daemon must end it, for nobody else does."""
    struck("worker_hang", world)
    world.over()
