"""Faults of PostgreSQL: killed, stopped at once, out of space, gone before its reply to COMMIT, locked by somebody else."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from urllib.parse import urlsplit

import psycopg
from faults.proxy import CommitReply, Proxy
from faults.registry import fault
from faults.small_disk import SmallDisk
from faults.world import World
from psycopg import sql

from streaming.local import postgres
from streaming.local.processes import recall

ROOM_MB = 160


@fault("store-kill")
def kill_the_store(world: World, rng: random.Random) -> None:
    """kill -9 of the postmaster, twice, and a start on its data."""
    for after, before in ((0.1, 0.4), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        _end(world, signal.SIGKILL, rng.uniform(1, 6))


@fault("store-stop-at-once")
def stop_the_store_at_once(world: World, rng: random.Random) -> None:
    """SIGQUIT, PostgreSQL's immediate stop: every session is thrown out, the start after it recovers from the log."""
    world.moment(rng)
    _end(world, signal.SIGQUIT, rng.uniform(0, 6))


def _end(world: World, how: signal.Signals, away_s: float) -> None:
    memory = recall(postgres.memory_file(world.home.folder))
    if memory is None or memory.process() is None:
        raise RuntimeError("PostgreSQL does not run")
    os.kill(memory.pid, how)
    time.sleep(away_s)
    world.wait_until("PostgreSQL has ended", lambda: memory.process() is None)
    world.home.start_postgres()
    world.over()


def on_a_small_disk(world: World, _: random.Random) -> None:
    """A PostgreSQL of the run's own, on a file system of some megabytes."""
    home = world.folder / "store"
    disk = SmallDisk(home / "postgres", ROOM_MB)
    world.cleanup.callback(disk.close)
    memory = postgres.start(home)
    world.cleanup.callback(postgres.halt, home)
    world.dsn, world.parts["disk"] = postgres.dsn(home, memory), disk


@fault("store-disk-full", prepare=on_a_small_disk)
def fill_the_stores_disk(world: World, rng: random.Random) -> None:
    """Not a byte is left for tables or log, for a while; then there is room, and the server is started again if it gave up."""
    disk: SmallDisk = world.parts["disk"]
    world.moment(rng)
    disk.fill()
    time.sleep(rng.uniform(5, 12))
    disk.free()
    postgres.start(world.folder / "store")
    world.over()


class CutCommits:
    """Says at which replies to COMMIT the line is cut: of those that come once it is set going, every few, so many times."""

    def __init__(self, rng: random.Random, times: int) -> None:
        self._rng, self.left, self.going = rng, times, False

    def __call__(self) -> bool:
        """Whether this one is cut."""
        cuts = self.going and self.left > 0 and self._rng.random() < 0.5
        self.left -= cuts
        return cuts


def behind_a_cutting_proxy(world: World, rng: random.Random) -> None:
    """The job's way to PostgreSQL goes through a proxy that reads the replies."""
    world.dsn = new_database(world)
    commits = CutCommits(random.Random(rng.random()), 6)
    proxy = Proxy(urlsplit(world.dsn).port or 0, replies=lambda: CommitReply(commits))
    world.cleanup.callback(proxy.close)
    world.job_dsn = through(world.dsn, proxy)
    world.parts["commits"] = commits


@fault("store-commit-cut", prepare=behind_a_cutting_proxy)
def cut_before_the_reply_to_commit(world: World, rng: random.Random) -> None:
    """Six times a transaction is committed, and its client never hears of it: it must not be done twice."""
    commits: CutCommits = world.parts["commits"]
    world.moment(rng, before=0.5)
    commits.going = True
    world.wait_until("six replies were cut", lambda: commits.left == 0)
    world.over()


@fault("store-locked", settings={"store": {"statement_timeout_s": 3}})
def lock_the_tables(world: World, rng: random.Random) -> None:
    """Another session holds a lock on the tables for longer than a statement may wait for one."""
    world.moment(rng)
    table = rng.choice(("prediction", "current_prediction"))
    with psycopg.connect(world.dsn) as connection:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        time.sleep(rng.uniform(7, 12))
    world.over()


def new_database(world: World) -> str:
    """A database of the run's own on the shared server; returns its connection string."""
    name = f"run_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(world.home.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(world.home.dsn)._replace(path=f"/{name}").geturl()


def through(dsn: str, proxy: Proxy) -> str:
    """The same database through a proxy, without encryption, so that the replies can be read."""
    parts = urlsplit(dsn)
    where = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
    return parts._replace(netloc=where, query="sslmode=disable&gssencmode=disable").geturl()
