"""Detached processes that outlive the command which started them, remembered in small files under var/run.

A process is remembered by its id and its start time, so that an id the system has given to another program since is
never signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from streaming.errors import ServiceError


@dataclass(frozen=True)
class Remembered:
    """What var/run/<name>.json holds. pid and started (s since 1970) are 0 while the service is down; ports stay."""

    port: int
    extra_port: int = 0
    pid: int = 0
    started: float = 0.0

    def process(self) -> psutil.Process | None:
        """The process if it still runs and is the one that was started; else None."""
        try:
            process = psutil.Process(self.pid)
            same = self.pid > 0 and abs(process.create_time() - self.started) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def again(self) -> Remembered:
        """Memory for the next start: the same ports where they can be had; a port just left is waited for."""
        wait_s = 10 if self.pid else 0
        return Remembered(port=keep_or_choose(self.port, wait_s=wait_s), extra_port=self.extra_port)


def recall(path: Path) -> Remembered | None:
    """Read a memory; None where there is none, or only half a file."""
    try:
        return Remembered(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remember(path: Path, memory: Remembered) -> None:
    """Write a memory so that a reader never sees half of it."""
    write_private(path, json.dumps(asdict(memory)))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read (0600), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could bind the port on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def keep_or_choose(port: int, *, wait_s: float = 0) -> int:
    """The port of last time if it can be had within wait_s, else a free one; 0 always takes a free one.

    A killed process may hold its port for a moment after it is gone from the process table.
    """
    end = time.monotonic() + wait_s
    while port and not is_free(port):
        if time.monotonic() > end:
            return free_port()
        time.sleep(0.05)
    return port or free_port()


def launch(command: list[str], *, log: Path, memory: Remembered, user: int | None = None) -> Remembered:
    """Start a program in its own session, output appended to `log`. Returns the memory with pid and start time.

    user: uid to run as, where the caller is root; None: the caller's own.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=log.parent, user=user, group=user
        )
    # The exec that follows the fork does not change the start time.
    return replace(memory, pid=child.pid, started=psutil.Process(child.pid).create_time())


def wait_until_ready(name: str, memory: Remembered, ready: Callable[[], bool], *, log: Path, limit_s: float = 120) -> None:
    """Wait until `ready()` is true. Raises ServiceError with the log's last line if the process ends or limit_s passes."""
    end = time.monotonic() + limit_s
    while not ready():
        if memory.process() is None:
            raise ServiceError(f"{name} ended while starting: {_last_line(log)}; see {log}")
        if time.monotonic() > end:
            raise ServiceError(f"{name} did not answer within {limit_s:.0f} s; see {log}")
        time.sleep(0.1)


def stop(memory: Remembered, gentle: signal.Signals, *, wait_s: float = 30) -> bool:
    """End the process and its children: `gentle` first, SIGKILL after wait_s. Returns whether there was one."""
    process = memory.process()
    if process is None:
        return False
    family = [process, *process.children(recursive=True)]
    process.send_signal(gentle)
    _, alive = psutil.wait_procs(family, timeout=wait_s)
    for one in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(alive, timeout=10)
    return True


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
