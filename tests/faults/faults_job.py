"""Faults of the job itself: its driver and its Python workers, killed from outside at a random moment."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

from faults.registry import fault
from faults.world import World


@fault("driver-kill")
def kill_the_driver(world: World, rng: random.Random) -> None:
    """kill -9 of the driver, JVM and Python at once, twice in a run."""
    for after, before in ((0.1, 0.35), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        world.job.kill()


@fault("driver-python-kill")
def kill_the_drivers_python(world: World, rng: random.Random) -> None:
    """kill -9 of the driver's Python alone; its JVM stays behind and must end by itself."""
    world.moment(rng)
    with suppress(ProcessLookupError):
        os.kill(world.job.driver_python(), signal.SIGKILL)
    world.over()


def workers(world: World) -> list[int]:
    """The workers of the job, waited for while it has none."""
    found: list[int] = []

    def there() -> bool:
        found[:] = world.job.workers()
        return bool(found)

    world.wait_until("the job has workers", there)
    return found


@fault("worker-kill")
def kill_a_worker(world: World, rng: random.Random) -> None:
    """kill -9 of a Python worker, as the kernel does when memory is out; three times."""
    for _ in range(3):
        world.moment(rng, after=0.1, before=0.8)
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers(world)), signal.SIGKILL)
        world.over()


@fault("worker-pause")
def pause_a_worker(world: World, rng: random.Random) -> None:
    """SIGSTOP of every Python worker for some seconds, then SIGCONT: a worker that hangs and comes back."""
    world.moment(rng)
    stopped = workers(world)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.uniform(5, 15))
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    world.over()


@fault("store-stop")
def stop_the_store(world: World, rng: random.Random) -> None:
    """The store is shut down, and comes back some seconds later."""
    world.moment(rng, after=0.15, before=0.5)
    world.home.stop_postgres()
    time.sleep(rng.uniform(2, 6))
    world.home.start_postgres()
    world.over()
