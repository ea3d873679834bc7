"""Spark's Python worker daemon, with what each task would pay for again taken out (`spark.python.daemon.module`).

Spark's own daemon forks workers that each import scikit-learn, reread every zip on `sys.path` before each task
(importlib.invalidate_caches) and walk the whole heap after each (gc.collect): half of a worker's time at small batches.
Here the imports happen once, before the fork, and the heap they make is frozen; a worker that hangs is ended (heartbeat.py);
and what the JVM sends is acknowledged at once, for it waits 40 ms for that in the middle of every task.
On a cluster this module must be on the executors.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import PurePath
from typing import Any, BinaryIO

_SPARKS_OWN = {"pyspark": "pyspark.zip", "py4j": "py4j-*.zip"}


def prepare() -> None:
    """Import what tasks need, drop Spark's own archives from `sys.path` where they are not needed, freeze the heap."""
    import streaming.pipeline  # noqa: F401 (before the fork: workers share it)

    sys.path[:] = without_spare_archives(sys.path)
    sys.path_importer_cache.clear()
    gc.collect()
    gc.freeze()


def without_spare_archives(path: list[str]) -> list[str]:
    """The entries of an import path without pyspark.zip and py4j-*.zip, each only where its package is importable without it.

    Archives of the user's own (`--py-files`) stay.

    >>> without_spare_archives(["/nowhere/python/lib/pyspark.zip", "/nowhere/mine.zip"])
    ['/nowhere/python/lib/pyspark.zip', '/nowhere/mine.zip']
    """
    for package, archive in _SPARKS_OWN.items():
        others = [entry for entry in path if not PurePath(entry).match(archive)]
        if PathFinder.find_spec(package, others) is not None:
            path = others
    return list(path)


def skip_invalidation() -> None:
    """Make importlib.invalidate_caches free: no file of ours appears while a worker lives."""
    importlib.invalidate_caches = lambda: None


class Acknowledged:
    """A file over a TCP socket; each read first has the kernel acknowledge what came.

    The JVM writes a task's command and then its rows. It holds the rows back until the command is acknowledged (Nagle's algorithm),
    and a kernel that has nothing to send keeps an acknowledgement for 40 ms.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.socket = file, socket.socket(fileno=os.dup(file.fileno()))

    def read(self, size: int = -1) -> bytes:
        """As the file's."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def acknowledging(main: Callable[[Any, BinaryIO], None]) -> Callable[[BinaryIO, BinaryIO], None]:
    """A worker's main function that reads so, where the system can (Linux) and the file is over TCP."""

    def read_at_once(infile: BinaryIO, outfile: BinaryIO) -> None:
        file = Acknowledged(infile)
        try:
            main(file if file.socket.family in (socket.AF_INET, socket.AF_INET6) else infile, outfile)
        finally:
            file.socket.close()

    return read_at_once if hasattr(socket, "TCP_QUICKACK") else main


if __name__ == "__main__":
    from pyspark import daemon

    from streaming.service.heartbeat import board

    prepare()
    skip_invalidation()
    board.follow()
    daemon.worker_main = acknowledging(daemon.worker_main)
    daemon.manager()  # type: ignore[no-untyped-call]
