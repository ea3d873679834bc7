"""Kafka, PostgreSQL and HBase on this machine, up and down together, all their files under one folder."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streaming.local import hbase, kafka, postgres
from streaming.local.processes import Remembered, recall, write_private
from streaming.settings import StoreKind

_STARTS: dict[str, Callable[[Path], Remembered]] = {"kafka": kafka.start, "postgres": postgres.start, "hbase": hbase.start}
_HALTS: dict[str, Callable[[Path], bool]] = {"kafka": kafka.halt, "postgres": postgres.halt, "hbase": hbase.halt}


@dataclass(frozen=True)
class Services:
    """Addresses of the running services; empty for a store that was not asked for. The dsn holds a password; keep it out of logs."""

    bootstrap: str
    dsn: str = ""
    hbase: str = ""


@dataclass(frozen=True)
class ServiceStatus:
    """One line of `scoring status`."""

    name: str
    running: bool
    pid: int | None
    port: int | None
    detail: str


def up(home: Path, *, say: Callable[[str], None], stores: Sequence[StoreKind] = ("postgres",)) -> Services:
    """Start what does not run, wait until it answers, and write the addresses under `home`.

    They lie in run/kafka.bootstrap, run/postgres.dsn, run/hbase.thrift and run/hbase.thrift2. A second call, even at the same moment,
    changes nothing. stores: which to start beside Kafka; say: gets a line for each service.
    Raises ServiceError if one does not come up, SetupError if the machine lacks something.
    """
    with _one_at_a_time(home), ThreadPoolExecutor(len(_STARTS)) as pool:
        before = {one.name: one.running for one in status(home)}
        started = {name: pool.submit(_STARTS[name], home) for name in ("kafka", *stores)}
        memories = {name: future.result() for name, future in started.items()}
        services = _write_addresses(home, memories)
    for name, memory in memories.items():
        say(f"{name} {'is running already' if before.get(name) else 'started'} on 127.0.0.1:{memory.port} (pid {memory.pid})")
    return services


def down(home: Path) -> list[str]:
    """Stop what runs; data and ports stay. Returns the names of those stopped; a second call returns none."""
    if not home.is_dir():
        return []
    with _one_at_a_time(home), ThreadPoolExecutor(len(_HALTS)) as pool:
        stopped = {name: pool.submit(halt, home) for name, halt in _HALTS.items()}
        return [name for name, future in stopped.items() if future.result()]


def status(home: Path) -> list[ServiceStatus]:
    """Whether each service runs and answers; a store that never ran beside another one is left out."""
    memories = {"kafka": recall(kafka.memory_file(home)), "postgres": recall(postgres.memory_file(home))}
    ran = {part: memory for part in hbase.PARTS if (memory := recall(hbase.memory_file(home, part)))}
    if ran and memories["postgres"] is None:
        del memories["postgres"]
    return [_status(home, name, memory) for name, memory in (memories | ran).items()]


def _status(home: Path, name: str, memory: Remembered | None) -> ServiceStatus:
    if memory is None:
        return ServiceStatus(name, running=False, pid=None, port=None, detail="never started")
    if memory.process() is None:
        detail = f"died; see {home / 'log' / name}.log" if memory.pid else "stopped"
        return ServiceStatus(name, running=False, pid=None, port=memory.port, detail=detail)
    detail = "answers" if _answers(home, name, memory) else "does not answer yet"
    return ServiceStatus(name, running=True, pid=memory.pid, port=memory.port, detail=detail)


def _answers(home: Path, name: str, memory: Remembered) -> bool:
    if name == "kafka":
        return kafka.answers(kafka.bootstrap(memory))
    if name == "postgres":
        return postgres.answers(postgres.dsn(home, memory))
    return hbase.answers(f"127.0.0.1:{memory.port}") if name == hbase.THRIFT else hbase.listens(memory.port)


def _write_addresses(home: Path, memories: Mapping[str, Remembered]) -> Services:
    files = {"kafka.bootstrap": kafka.bootstrap(memories["kafka"])}
    if "postgres" in memories:
        files["postgres.dsn"] = postgres.dsn(home, memories["postgres"])
    if "hbase" in memories:
        files["hbase.thrift"], files["hbase.thrift2"] = hbase.addresses(home)
    for name, text in files.items():
        write_private(home / "run" / name, text)
    return Services(files["kafka.bootstrap"], files.get("postgres.dsn", ""), files.get("hbase.thrift", ""))


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Hold a lock, so that two `scoring up` at once do not start everything twice."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    with (home / "run" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
