"""Memory of the processes that take part, by what they are for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

import psutil

EVERY_S = 2.0
MB = 1e6
Trend = list[dict[str, float]]
"""samples in order of time: a figure by `<role> <quantity>`"""


def resident(roots: Mapping[str, int]) -> dict[str, float]:
    """RSS in MB by role, summed over the processes of a role.

    roots: id of the root process by role; `job` is a job started by `scoring run`, which is split into its parts.
    Pages that processes share (PostgreSQL's buffers, forked workers) count once for each.
    """
    found: dict[str, float] = {}
    for root, pid in roots.items():
        for process in _family(pid):
            try:
                role = _part(process, pid) if root == "job" else root
                if role is not None:
                    found[role] = found.get(role, 0.0) + process.memory_info().rss / MB
            except psutil.NoSuchProcess:
                continue
    return found


@contextmanager
def peaks(roots: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """Sample in the background; the dict holds the highest RSS in MB that each role had."""
    highest: dict[str, float] = {}

    def sample() -> None:
        for role, size in resident(roots).items():
            highest[role] = max(highest.get(role, 0.0), round(size, 1))

    with _sampled(sample):
        yield highest


@contextmanager
def trend(roots: Mapping[str, int], folder: Path) -> Iterator[Trend]:
    """Sample in the background: RSS, open files and connections by role, and the number of files in a folder."""
    samples: Trend = []

    def sample() -> None:
        figures = {f"{role} rss_mb": size for role, size in resident(roots).items()}
        for root, pid in roots.items():
            family = _family(pid)
            figures[f"{root} fds"] = float(sum(_asked(process.num_fds) for process in family))
            figures[f"{root} connections"] = float(sum(_asked(lambda p=process: len(p.net_connections("tcp"))) for process in family))
        figures["files of the checkpoint"] = float(sum(1 for path in folder.rglob("*") if path.is_file()))
        samples.append(figures)

    with _sampled(sample):
        yield samples


@contextmanager
def _sampled(sample: Callable[[], None]) -> Iterator[None]:
    """Call `sample` every EVERY_S seconds, in a thread, while the block runs."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(EVERY_S):
            sample()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _asked(question: Callable[[], int]) -> int:
    try:
        return question()
    except psutil.Error:  # it has ended meanwhile
        return 0


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _part(process: psutil.Process, jvm: int) -> str | None:
    """What a process of the job is: the JVM starts the driver's Python and the daemon, the daemon forks the workers.

    None: a program that lives for a moment, or a fork of the JVM on its way to one, whose pages are the JVM's own.
    """
    if process.pid == jvm:
        return "driver_jvm"
    command = process.cmdline()
    if not command or not PurePath(command[0]).name.startswith("python"):
        return None
    if "streaming.service.worker_daemon" in command:
        return "worker_daemon" if process.ppid() == jvm else "workers"
    return "driver_python"
