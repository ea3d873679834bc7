"""Faults of the network between the job and its brokers or its store: cut, slow, or connections thrown away."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from faults.cluster import Cluster
from faults.faults_store import new_database, through
from faults.proxy import Proxy
from faults.registry import Cause, fault
from faults.world import World


def to_the_store(world: World, _: random.Random) -> None:
    """The job's way to PostgreSQL goes through a proxy."""
    world.dsn = new_database(world)
    proxy = Proxy(urlsplit(world.dsn).port or 0)
    world.cleanup.callback(proxy.close)
    world.job_dsn, world.parts["store"] = through(world.dsn, proxy), [proxy]


def to_the_broker(world: World, _: random.Random) -> None:
    """A broker of the run's own, and the job's way to it goes through a proxy."""
    cluster = Cluster(world.folder / "cluster", 1)
    world.cleanup.callback(cluster.close)
    world.bootstrap, world.job_bootstrap = cluster.bootstrap, cluster.proxied
    world.parts["broker"] = [*cluster.proxies.values()]


def _cut(world: World, proxies: list[Proxy], rng: random.Random) -> None:
    """Nothing passes for a while, and nobody is told."""
    world.moment(rng)
    for proxy in proxies:
        proxy.cut()
    time.sleep(rng.uniform(6, 25))
    _resume(world, proxies)


def _slow(world: World, proxies: list[Proxy], rng: random.Random) -> None:
    """Every piece takes some tenths of a second longer each way."""
    world.moment(rng)
    for proxy in proxies:
        proxy.delay(rng.uniform(100, 400))
    time.sleep(rng.uniform(10, 20))
    _resume(world, proxies)


def _dropped(world: World, proxies: list[Proxy], rng: random.Random) -> None:
    """Every connection is thrown away, eight times within a few seconds."""
    world.moment(rng)
    for _ in range(8):
        for proxy in proxies:
            proxy.drop()
        time.sleep(rng.uniform(0.1, 1.5))
    world.over()


def _resume(world: World, proxies: list[Proxy]) -> None:
    for proxy in proxies:
        proxy.resume()
    world.over()


_WAYS: dict[str, Cause] = {"broker": to_the_broker, "store": to_the_store}
_HARMS: dict[str, Callable[[World, list[Proxy], random.Random], None]] = {"cut": _cut, "slow": _slow, "dropped": _dropped}


def _harm(harm: str, way: str, world: World, rng: random.Random) -> None:
    _HARMS[harm](world, world.parts[way], rng)


for _way, _prepare in _WAYS.items():
    for _name in _HARMS:
        fault(f"network-{_way}-{_name}", prepare=_prepare)(partial(_harm, _name, _way))
