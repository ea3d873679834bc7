"""Faults of the brokers: killed, hanging, restarted, and leaders that change."""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial

from faults.cluster import Cluster
from faults.registry import fault
from faults.world import World

from streaming.local import kafka
from streaming.local.processes import recall


@fault("broker-kill")
def kill_the_broker(world: World, rng: random.Random) -> None:
    """kill -9 of the broker, twice, and a start on its data."""
    for after, before in ((0.1, 0.4), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        os.kill(_broker(world), signal.SIGKILL)
        time.sleep(rng.uniform(1, 8))
        world.home.start_kafka()
        world.over()


@fault("broker-pause")
def pause_the_broker(world: World, rng: random.Random) -> None:
    """SIGSTOP of the broker for 20 s: nothing is refused, nothing answers."""
    world.moment(rng)
    pid = _broker(world)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(20)
    os.kill(pid, signal.SIGCONT)
    world.over()


@fault("broker-restart")
def restart_the_broker(world: World, rng: random.Random) -> None:
    """An orderly restart of the only broker."""
    world.moment(rng)
    world.home.stop_kafka()
    time.sleep(rng.uniform(0, 5))
    world.home.start_kafka()
    world.over()


def three_brokers(world: World, _: random.Random) -> None:
    """Three brokers of the run's own; every topic has three replicas, of which two must have a message before it counts."""
    cluster = Cluster(world.folder / "cluster", 3)
    world.cleanup.callback(cluster.close)
    world.bootstrap = world.job_bootstrap = cluster.bootstrap
    world.parts["cluster"] = cluster


@fault("leader-kill", prepare=three_brokers, settings={"topics": {"replication": 3}})
def kill_leaders(world: World, rng: random.Random) -> None:
    """kill -9 of a broker that leads partitions of the event topic, twice; others are elected, and it comes back."""
    cluster: Cluster = world.parts["cluster"]
    for after, before in ((0.1, 0.35), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        node = _leading(cluster, world, rng)
        cluster.kill(node)
        cluster.wait_until("others lead", partial(_others_lead, cluster, world.topic, node))
        world.over()
        time.sleep(rng.uniform(1, 5))
        cluster.start(node)
        cluster.wait_until("all replicas are in sync", lambda: cluster.in_sync(world.topic) == 3)


@fault("leader-pause", prepare=three_brokers, settings={"topics": {"replication": 3}})
def pause_a_leader(world: World, rng: random.Random) -> None:
    """SIGSTOP of a broker that leads: it loses its leadership without knowing, and wakes up later."""
    cluster: Cluster = world.parts["cluster"]
    world.moment(rng)
    node = _leading(cluster, world, rng)
    cluster.pause(node)
    time.sleep(rng.uniform(8, 16))
    cluster.resume(node)
    world.over()
    cluster.wait_until("all replicas are in sync", lambda: cluster.in_sync(world.topic) == 3)


def _leading(cluster: Cluster, world: World, rng: random.Random) -> int:
    world.wait_until("every partition has a leader", lambda: _others_lead(cluster, world.topic, -1))
    return rng.choice(sorted(set(cluster.leaders(world.topic).values())))


def _others_lead(cluster: Cluster, topic: str, node: int) -> bool:
    leaders = set(cluster.leaders(topic).values())
    return bool(leaders) and not {node, -1} & leaders


def _broker(world: World) -> int:
    memory = recall(kafka.memory_file(world.home.folder))
    if memory is None or memory.process() is None:
        raise RuntimeError("the broker does not run")
    return memory.pid
