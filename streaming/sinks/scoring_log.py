"""The scoring log: features as the model got them, and the prediction, as Parquet for retraining, slices and audits.

Delivery: at least once with idempotent effect. A file is named by query, batch and task, so that a replay overwrites itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from streaming.errors import Unavailable
from streaming.models.plan import Plan
from streaming.records import EVENT_PREFIX, PREDICTION

_ON_DEMAND = {"scores", "explanation"}  # filled only where a deployment asks for them


def log_rows(scored: pa.RecordBatch) -> pa.RecordBatch:
    """What the log keeps of scored rows: the prediction and the event's fields, without the raw bytes."""
    kept = {*PREDICTION.names} - _ON_DEMAND
    return scored.select([n for n in scored.schema.names if n.startswith(EVENT_PREFIX) or n in kept])


def write_slice(root: str, plan: Plan, task: int, batches: Sequence[pa.RecordBatch]) -> str | None:
    """Write one task's rows (of `log_rows`), by deployment, date and hour.

    Returns the file's path, None where there is nothing to write. Raises Unavailable if the file system refuses.
    """
    rows = sum(batch.num_rows for batch in batches)
    if not rows:
        return None
    folder = f"{root}/deployment={plan.deployment}/date={plan.now:%Y-%m-%d}/hour={plan.now:%H}"
    path = f"{folder}/{plan.query_id}-{plan.batch_id:09d}-{task:04d}.parquet"
    try:
        _write_whole(pa.Table.from_batches(batches), path)
    except OSError as error:
        raise Unavailable(f"scoring log {path}: {error}") from None
    return path


def _write_whole(table: pa.Table, path: str) -> None:
    """Write under another name first: a reader never meets half a file."""
    system, place = fs.FileSystem.from_uri(path) if "://" in path else (fs.LocalFileSystem(), path)
    parent, _, name = place.rpartition("/")
    hidden = f"{parent}/_{name}.tmp"
    system.create_dir(parent, recursive=True)
    with system.open_output_stream(hidden) as stream:
        pq.write_table(table, stream, compression="zstd")
    system.move(hidden, place)
