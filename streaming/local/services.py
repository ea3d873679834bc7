"""Kafka and PostgreSQL on this machine, up and down together, all their files under one folder."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streaming.local import kafka, postgres
from streaming.local.processes import Remembered, recall, write_private


@dataclass(frozen=True)
class Services:
    """Addresses of the running services. The dsn holds a password; keep it out of logs."""

    bootstrap: str
    dsn: str


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `scoring status`."""

    name: str
    running: bool
    pid: int | None
    port: int | None
    detail: str


def up(home: Path, *, say: Callable[[str], None]) -> Services:
    """Start what does not run, wait until it answers, write run/kafka.bootstrap and run/postgres.dsn under `home`.

    A second call, even at the same moment, changes nothing. say: gets a line for each service.
    Raises ServiceError if one does not come up, SetupError if the machine lacks something.
    """
    with _one_at_a_time(home), ThreadPoolExecutor(2) as pool:
        before = {one.name: one.running for one in status(home)}
        started = {"kafka": pool.submit(kafka.start, home), "postgres": pool.submit(postgres.start, home)}
        memories = {name: future.result() for name, future in started.items()}
        services = Services(kafka.bootstrap(memories["kafka"]), postgres.dsn(home, memories["postgres"]))
        write_private(home / "run" / "kafka.bootstrap", services.bootstrap)
        write_private(home / "run" / "postgres.dsn", services.dsn)
    for name, memory in memories.items():
        say(f"{name} {'is running already' if before[name] else 'started'} on 127.0.0.1:{memory.port} (pid {memory.pid})")
    return services


def down(home: Path) -> list[str]:
    """Stop what runs; data and ports stay. Returns the names of those stopped; a second call returns none."""
    if not home.is_dir():
        return []
    with _one_at_a_time(home), ThreadPoolExecutor(2) as pool:
        stopped = {"kafka": pool.submit(kafka.halt, home), "postgres": pool.submit(postgres.halt, home)}
        return [name for name, future in stopped.items() if future.result()]


def status(home: Path) -> list[ServiceStatus]:
    """Whether each service runs and answers."""
    memories = {"kafka": recall(kafka.memory_file(home)), "postgres": recall(postgres.memory_file(home))}
    return [_status(home, name, memory) for name, memory in memories.items()]


def _status(home: Path, name: str, memory: Remembered | None) -> ServiceStatus:
    if memory is None:
        return ServiceStatus(name, running=False, pid=None, port=None, detail="never started")
    if memory.process() is None:
        detail = f"died; see {home / 'log' / name}.log" if memory.pid else "stopped"
        return ServiceStatus(name, running=False, pid=None, port=memory.port, detail=detail)
    answer = kafka.answers(kafka.bootstrap(memory)) if name == "kafka" else postgres.answers(postgres.dsn(home, memory))
    return ServiceStatus(name, running=True, pid=memory.pid, port=memory.port, detail="answers" if answer else "does not answer yet")


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Hold a lock, so that two `scoring up` at once do not start everything twice."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    with (home / "run" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
