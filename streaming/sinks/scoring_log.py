"""The scoring log: features as the model got them, and the prediction, as Parquet for retraining, slices and audits.

Delivery: at least once with idempotent effect. A file is named by query, batch and task, so that a replay overwrites itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from streaming.errors import ConfigError, StoreError, Unavailable, first_line
from streaming.models.plan import Plan
from streaming.records import EVENT_PREFIX, PREDICTION

# Hadoop's names of file systems, which Arrow knows by others. Hadoop's settings (fs.s3a.*) are not Arrow's: its S3 reads
# the environment's AWS_* and ~/.aws.
_ARROW_SCHEMES = {"s3a": "s3", "s3n": "s3"}
_ON_DEMAND = {"scores", "explanation"}  # filled only where a deployment asks for them


def log_rows(scored: pa.RecordBatch) -> pa.RecordBatch:
    """What the log keeps of scored rows: the prediction and the event's fields, without the raw bytes."""
    kept = {*PREDICTION.names} - _ON_DEMAND
    return scored.select([n for n in scored.schema.names if n.startswith(EVENT_PREFIX) or n in kept])


def check_scoring_log(root: str) -> None:
    """Make the folder of the scoring log, and see that a file can be written there and removed again.

    root: a path, or an address as Hadoop writes it (hdfs://, s3a://, …). Raises ConfigError if Arrow has no such file system,
    StoreError if it refuses: let the job's user write there, or name another folder.
    """
    try:
        system, place = file_system(root)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(f"stream.scoring_log: {root}: {first_line(error)}; expected a path, hdfs://, s3a://, gs:// or abfs://") from None
    except OSError as error:
        raise StoreError(_refusal(root, error)) from None
    probe = f"{place.rstrip('/')}/_probe-{uuid4().hex}"
    try:
        system.create_dir(place, recursive=True)
        with system.open_output_stream(probe) as stream:
            stream.write(b"")
        system.delete_file(probe)
    except OSError as error:
        raise StoreError(_refusal(root, error)) from None


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


def arrow_address(path: str) -> str:
    """A Hadoop path as Arrow writes it.

    >>> arrow_address("s3a://bucket/log"), arrow_address("file:/var/log"), arrow_address("/var/log")
    ('s3://bucket/log', '/var/log', '/var/log')
    """
    scheme, colon, rest = path.partition(":")
    if colon and scheme == "file":
        return "/" + rest.lstrip("/")
    return f"{_ARROW_SCHEMES.get(scheme, scheme)}{colon}{rest}"


def file_system(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a Hadoop path, and the path in it. Raises pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError."""
    address = arrow_address(path)
    return fs.FileSystem.from_uri(address) if "://" in address else (fs.LocalFileSystem(), address)


def files_between(system: fs.FileSystem, place: str, deployment: str, first: datetime, last: datetime) -> Iterator[str]:
    """Files of the log whose batches were planned in the hours (UTC) from that of `first` to that of `last`, in order. Raises OSError."""
    hour, end = (moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for moment in (first, last))
    while hour <= end:
        folder = f"{place.rstrip('/')}/deployment={deployment}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        listed = system.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        yield from sorted(info.path for info in listed if info.extension == "parquet" and not info.base_name.startswith("_"))
        hour += timedelta(hours=1)


def _refusal(root: str, error: OSError) -> str:
    return f"scoring log {root}: {first_line(error)}; let this user write there, or name another folder in stream.scoring_log"


def _write_whole(table: pa.Table, path: str) -> None:
    """Write under another name first: a reader never meets half a file."""
    system, place = file_system(path)
    parent, _, name = place.rpartition("/")
    hidden = f"{parent}/_{name}.tmp"
    system.create_dir(parent, recursive=True)
    with system.open_output_stream(hidden) as stream:
        pq.write_table(table, stream, compression="zstd")
    system.move(hidden, place)
