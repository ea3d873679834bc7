"""The long-running jobs as child processes of ours: started as `scoring run` does, awaited, and ended with all they started."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from streaming.errors import ServiceError
from streaming.local.job_status import ready_code

JobName = Literal["score-events", "detect-drift"]
STOP_WAIT_S = 60.0  # a job ends after its micro-batch


@dataclass(frozen=True)
class Job:
    """A started job; it leads its own process group, so that it and its children can be ended together."""

    name: JobName
    process: subprocess.Popen[bytes]
    log: Path
    port_file: Path


def start_job(name: JobName, config: Path, home: Path) -> Job:
    """Start a job with a configuration whose port files lie in home/run; its output goes to home/log/<name>.log."""
    log, port_file = home / "log" / f"{name}.log", home / "run" / f"{name.replace('-', '_')}.port"
    log.parent.mkdir(parents=True, exist_ok=True)
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "streaming.cli", "run", name, "--config", str(config)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    return Job(name, process, log, port_file)


def wait_until_ready(job: Job, limit_s: float = 120) -> None:
    """Wait until the job's /readyz answers 200. Raises ServiceError, naming the log, if the job ends or takes longer."""
    until = time.monotonic() + limit_s
    while not _ready(job.port_file):
        if job.process.poll() is not None:
            raise ServiceError(f"the job {job.name} ended with exit code {job.process.returncode} before it was ready; see {job.log}")
        if time.monotonic() > until:
            raise ServiceError(f"the job {job.name} was not ready within {limit_s:g} s; see {job.log}")
        time.sleep(0.2)


def ended(jobs: Sequence[Job]) -> str:
    """Which of the jobs have ended, with exit code and log, in one line; empty if none has."""
    gone = [job for job in jobs if job.process.poll() is not None]
    return "; ".join(f"the job {job.name} ended with exit code {job.process.returncode}; see {job.log}" for job in gone)


def check_running(jobs: Sequence[Job]) -> None:
    """Raise ServiceError, naming the log, if one of the jobs has ended."""
    if complaint := ended(jobs):
        raise ServiceError(complaint)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back while the block runs, in the main thread; what came is delivered when it ends.

    A job that was started but not yet noted down would otherwise outlive a Ctrl-C in that moment.
    """
    came: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for held in came:
            signal.raise_signal(held)


def stop_jobs(jobs: Sequence[Job]) -> None:
    """SIGTERM to every job's group, SIGKILL to what is left after STOP_WAIT_S; returns when none is left."""
    for job in jobs:
        _signal(job, signal.SIGTERM)
    until = time.monotonic() + STOP_WAIT_S
    for job in jobs:
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.process.wait(max(0.0, until - time.monotonic()))
        _signal(job, signal.SIGKILL)
        job.process.wait()
        _await_group(job)


def _await_group(job: Job) -> None:
    """A killed child of a job is gone a moment after the signal; wait for that moment."""
    for _ in range(100):
        try:
            os.killpg(job.process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


def _signal(job: Job, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.process.pid, number)


def _ready(port_file: Path) -> bool:
    try:
        return ready_code(int(port_file.read_text(encoding="utf-8"))) == http.client.OK
    except (OSError, ValueError):
        return False  # not there yet
