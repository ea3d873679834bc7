"""Parquet files of predictions on any file system that fsspec knows, for a lake's readers.

Delivery: at least once. A file is named by its rows' batch and first address, so that a replay overwrites what it wrote; where settings
changed in between (rows of an Arrow batch, tasks), rows may be in two files: a reader drops prediction ids that it knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import uuid4

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.errors import ConfigError, StoreError, Unavailable, first_line
from streaming.records import PREDICTION
from streaming.sinks import STANDS, Delivery

_HINT = "let this user write there, or name another place in sinks.files"


class PredictionFiles:
    """Writes predictions to ROOT/deployment=…/date=…/BATCH-ADDRESS.parquet, the date being that of `received_at`.

    root: a path or an fsspec URL (s3://bucket/folder, say); what the protocol needs, such as s3fs, is the operator's to install,
    and reads its credentials where it always does.
    """

    delivery = Delivery.AT_LEAST_ONCE

    def __init__(self, root: str) -> None:
        self._root = root

    def write(self, predictions: pa.RecordBatch) -> np.ndarray:
        """See Sink.write. A file is there whole or not at all. Raises Unavailable."""
        for folder, rows in _by_folder(predictions.select(PREDICTION.names)):
            self._write_whole(folder, _file_name(rows), rows)
        return np.full(predictions.num_rows, STANDS, dtype=np.uint8)

    def close(self) -> None:
        """Nothing is held between two writes."""

    def check(self) -> None:
        """Make the folder, and see that a file can be written there and removed again.

        Raises ConfigError if fsspec has no such protocol or lacks its package, StoreError if the place refuses.
        """
        try:
            self._place  # noqa: B018 (looked up for what it raises)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"sinks.files: {self._root}: {first_line(error)}; install the protocol's package or name a path") from None
        except OSError as error:
            raise StoreError(f"sinks.files: {self._root}: {first_line(error)}; {_HINT}") from None
        try:
            self._write_whole("", f"_probe-{uuid4().hex}", pa.RecordBatch.from_pylist([], schema=PREDICTION), keep=False)
        except Unavailable as error:
            raise StoreError(f"{error}; {_HINT}") from None

    @cached_property
    def _place(self) -> tuple[Any, str]:
        system, place = fsspec.core.url_to_fs(self._root)
        return system, str(place).rstrip("/")

    def _write_whole(self, folder: str, name: str, rows: pa.RecordBatch, *, keep: bool = True) -> None:
        """Write under another name first, which readers pass over for its underscore."""
        system, place = self._place
        parent = f"{place}/{folder}".rstrip("/")
        hidden, path = f"{parent}/_{name}.{uuid4().hex}.tmp", f"{parent}/{name}"
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_batches([rows]), buffer, compression="zstd")
        try:
            system.makedirs(parent, exist_ok=True)
            system.pipe_file(hidden, buffer.getvalue().to_pybytes())
            system.mv(hidden, path)
            if not keep:
                system.rm_file(path)
        except OSError as error:
            raise Unavailable(f"sinks.files: {path}: {first_line(error)}") from None


def _by_folder(predictions: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Rows by deployment and date. Of the time that Kafka gave, not of scoring: a replay finds its folder again."""
    days = pc.strftime(predictions.column("received_at"), "%Y-%m-%d")
    deployments = predictions.column("deployment")
    for deployment in deployments.unique().to_pylist():
        for day in days.unique().to_pylist():
            rows = predictions.filter(pc.and_(pc.equal(deployments, deployment), pc.equal(days, day)))
            if rows.num_rows:
                yield f"deployment={deployment}/date={day}", rows


def _file_name(rows: pa.RecordBatch) -> str:
    """By query, batch and first address. A topic's name may have any length that Kafka allows, a file's may not."""
    query_id, batch_id = rows.column("plan_id")[0].as_py().split("/")[:2]
    topic, partition, offset = (rows.column(f"source_{name}")[0].as_py() for name in ("topic", "partition", "offset"))
    return f"{query_id}-{batch_id}-{hashlib.sha256(topic.encode()).hexdigest()[:8]}-{partition}-{offset}.parquet"
