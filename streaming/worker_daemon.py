"""Spark's Python worker daemon, with what each task would pay for again taken out (`spark.python.daemon.module`).

Spark's own daemon forks workers that each import scikit-learn, reread every zip on `sys.path` before each task
(importlib.invalidate_caches) and walk the whole heap after each (gc.collect): half of a worker's time at small batches.
Here the imports happen once, before the fork, and the heap they make is frozen. On a cluster this module must be on the executors.
"""

from __future__ import annotations

import gc
import importlib
import sys


def prepare() -> None:
    """Import what tasks need, drop zips that hold nothing but Spark's own sources, freeze the heap."""
    import streaming.pipeline  # noqa: F401 (before the fork: workers share it)

    sys.path[:] = [entry for entry in sys.path if not entry.endswith(".zip")]
    sys.path_importer_cache.clear()
    gc.collect()
    gc.freeze()


def skip_invalidation() -> None:
    """Make importlib.invalidate_caches free: no file of ours appears while a worker lives."""
    importlib.invalidate_caches = lambda: None


if __name__ == "__main__":
    from pyspark.daemon import manager

    prepare()
    skip_invalidation()
    manager()  # type: ignore[no-untyped-call]
