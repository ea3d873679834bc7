"""Reading the scoring log by time: a bounded sample of what was scored, for drift of rows, audits and retraining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from streaming.errors import StoreError, first_line
from streaming.records import EVENT_PREFIX
from streaming.sinks.scoring_log import file_system, files_between

SAMPLE = 20_000
SEED = 0
KEY = "prediction_id"
_READ = (KEY, "score", "model_name", "model_version", "role", "scored_at")


def read_window(
    root: str, deployment: str, start: datetime, end: datetime, features: Sequence[str], *, rows: int = SAMPLE, seed: int = SEED
) -> pa.Table:
    """At most `rows` served predictions that were scored from `start` to before `end` (UTC): a sample that depends on the rows alone.

    Which rows are in it follows from the prediction ids and the seed, not from files or their order: a compacted log gives the same.
    features: names of the event's fields. Columns: prediction_id, score, model_name, model_version, scored_at, and the
    features under their own names; a field that a file lacks is null. Memory: `rows` and one batch of a file.
    A batch is found by its plan's hour; one that was done again more than an hour after its plan is missed where only its
    second hour is asked for. Raises StoreError if the log cannot be read, or holds nothing of that time.
    """
    names = [*(name for name in _READ if name != "role"), *(EVENT_PREFIX + name for name in features)]
    kept: pa.Table | None = None
    try:
        for batch in _batches(root, deployment, start, end, names):
            kept = _smallest(pa.concat_tables([*([kept] if kept is not None else []), batch], promote_options="permissive"), rows, seed)
    except (OSError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise StoreError(f"scoring log {root}: {first_line(error)}; see that it can be read") from None
    if kept is None or not kept.num_rows:
        raise StoreError(f"scoring log {root}: nothing of {deployment} was scored from {start} to {end}; name another span")
    return kept.rename_columns([name.removeprefix(EVENT_PREFIX) for name in kept.column_names])


def feature_frame(table: pa.Table, features: Sequence[str]) -> pd.DataFrame:
    """Features as drift of rows takes them: numbers and booleans float64 (missing NaN), all else text (missing None)."""
    columns = {}
    for name in features:
        column = table.column(name)
        kind = column.type
        if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            columns[name] = pd.Series(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
        else:
            columns[name] = pd.Series(pc.cast(column, pa.string()).to_pylist(), dtype=object)
    return pd.DataFrame(columns)


def _batches(root: str, deployment: str, start: datetime, end: datetime, names: list[str]) -> Iterator[pa.Table]:
    system, place = file_system(root)
    scored = ds.field("scored_at")
    chosen = (scored >= pa.scalar(start)) & (scored < pa.scalar(end)) & (ds.field("role") != "shadow")
    # A batch planned at the end of an hour is scored in the next.
    for path in files_between(system, place, deployment, start - timedelta(hours=1), end - timedelta.resolution):
        data = ds.dataset(path, filesystem=system, format="parquet")
        there = [name for name in names if name in data.schema.names]
        for batch in data.to_batches(columns=there, filter=chosen):
            table = pa.Table.from_batches([batch])
            for name in names:
                if name not in there:
                    table = table.append_column(name, pa.nulls(table.num_rows))
            yield table.select(names)


def _smallest(table: pa.Table, rows: int, seed: int) -> pa.Table:
    """The rows whose id hashes smallest, in that order: the same sample whatever order they come in."""
    ids = table.column(KEY).to_numpy()
    ranks = pd.util.hash_array(ids.astype(object), hash_key=f"{seed:016d}", categorize=False)
    return table.take(pa.array(np.argsort(ranks, kind="stable")[:rows])).combine_chunks()
