"""Spark's Python worker daemon, with what each task would pay for again taken out (`spark.python.daemon.module`).

Spark's own daemon forks workers that each import scikit-learn, reread every zip on `sys.path` before each task
(importlib.invalidate_caches) and walk the whole heap after each (gc.collect): half of a worker's time at small batches.
Here the imports happen once, before the fork, and the heap they make is frozen; a worker that hangs is ended (heartbeat.py).
On a cluster this module must be on the executors.
"""

from __future__ import annotations

import gc
import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import PurePath

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


if __name__ == "__main__":
    from pyspark.daemon import manager

    from streaming.service.heartbeat import board

    prepare()
    skip_invalidation()
    board.follow()
    manager()  # type: ignore[no-untyped-call]
