"""Fields of events as the model got them, read back from the scoring log by prediction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from streaming.errors import StoreError, first_line
from streaming.records import EVENT_PREFIX
from streaming.sinks.scoring_log import file_system, files_between

REPLAYED = timedelta(hours=24)
"""How long before it was scored a prediction's batch may have been planned: the log's folders are named by the plan's time"""
_PARTITIONS = ds.partitioning(pa.schema([("deployment", pa.string()), ("date", pa.string()), ("hour", pa.string())]), flavor="hive")


def read_fields(root: str, deployment: str, names: Sequence[str], scored: tuple[datetime, datetime]) -> pd.DataFrame | None:
    """Fields of the events that were scored between two aware times, by prediction id; the first row of an id stands.

    names: fields of the event; one that the log does not have is left out. root: folder or URL of the log. None where there is no
    log. Raises StoreError if it cannot be read: see that it is a folder of the scoring log, and that this user may read it.
    """
    try:
        system, place = file_system(root)
        if system.get_file_info(place).type == fs.FileType.NotFound:
            return None
        files = list(files_between(system, place, deployment, scored[0] - REPLAYED, scored[1]))
        found = ds.dataset(files, filesystem=system, format="parquet", partitioning=_PARTITIONS, schema=_schema(system, files, names))
        table = found.to_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"scoring log {root} cannot be read: {first_line(error)}; see stream.scoring_log") from None
    frame: pd.DataFrame = table.to_pandas().drop_duplicates("prediction_id").set_index("prediction_id")
    frame.columns = [name.removeprefix(EVENT_PREFIX) for name in frame.columns]
    return frame


def _schema(system: fs.FileSystem, files: list[str], names: Sequence[str]) -> pa.Schema:
    """The columns wanted, of the types that the newest file has: an older schema version may lack one, and has null there."""
    wanted = [EVENT_PREFIX + name for name in names]
    newest = ds.dataset(files[-1:], filesystem=system, format="parquet").schema if files else pa.schema([])
    return pa.schema([pa.field("prediction_id", pa.string()), *(newest.field(name) for name in wanted if name in newest.names)])
