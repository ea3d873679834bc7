"""Faults of HBase as the store: its region server and its Thrift server, each a process of its own, killed."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from functools import partial

from faults.evidence_hbase import read_hbase
from faults.registry import fault
from faults.world import World

from streaming.local import hbase
from streaming.local.processes import recall


def on_hbase(world: World, _: random.Random) -> None:
    """The run's store is HBase, in a namespace of its own."""
    hbase.start(world.home.folder)
    addresses, namespace = hbase.addresses(world.home.folder), f"run_{uuid.uuid4().hex[:12]}"
    world.settings["store"]["kind"] = "hbase"
    world.settings["store.hbase"] = {
        "address": addresses.thrift,
        "thrift2_address": addresses.thrift2,
        "namespace": namespace,
        "timeout_s": 10,
    }
    world.read_store = partial(read_hbase, addresses.thrift, namespace)


@fault("hbase-region-kill", prepare=on_hbase)
def kill_the_region_server(world: World, rng: random.Random) -> None:
    """kill -9 of the region server, and a start of it: what it had acknowledged must be there still."""
    world.moment(rng)
    _kill(world, hbase.REGION, rng.uniform(1, 5))


@fault("hbase-thrift-kill", prepare=on_hbase)
def kill_the_thrift_servers(world: World, rng: random.Random) -> None:
    """kill -9 of the Thrift servers that the job talks to, one after the other."""
    for part, (after, before) in ((hbase.THRIFT, (0.1, 0.4)), (hbase.THRIFT2, (0.5, 0.8))):
        world.moment(rng, after=after, before=before)
        _kill(world, part, rng.uniform(1, 5))


def _kill(world: World, part: str, away_s: float) -> None:
    memory = recall(hbase.memory_file(world.home.folder, part))
    if memory is None or memory.process() is None:
        raise RuntimeError(f"{part} does not run")
    os.kill(memory.pid, signal.SIGKILL)
    time.sleep(away_s)
    world.wait_until(f"{part} has ended", lambda: memory.process() is None)
    hbase.start(world.home.folder)
    world.over()
