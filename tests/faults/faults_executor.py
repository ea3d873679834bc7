"""Faults of a cluster: an executor, with its Python workers and what it held in memory, is gone."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress

from faults.registry import fault
from faults.standalone import Standalone
from faults.world import World


def on_a_cluster(world: World, _: random.Random) -> None:
    """The job's tasks run in an executor of a standalone cluster."""
    cluster = Standalone(world.folder / "standalone", {"PYTHONPATH": f"{world.environment['PYTHONPATH']}{os.pathsep}{world.source}"})
    world.cleanup.callback(cluster.close)
    world.settings["spark"]["master"] = cluster.master
    world.environment |= {"SPARK_LOCAL_IP": "127.0.0.1"}
    world.parts["cluster"] = cluster


@fault("executor-lost", prepare=on_a_cluster)
def kill_the_executor(world: World, rng: random.Random) -> None:
    """kill -9 of the executor, twice in a run; the cluster's worker starts another."""
    cluster: Standalone = world.parts["cluster"]
    for after, before in ((0.1, 0.35), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        world.wait_until("the job has an executor", lambda: bool(cluster.executors()))
        with suppress(ProcessLookupError):
            os.kill(rng.choice(cluster.executors()), signal.SIGKILL)
        world.over()
