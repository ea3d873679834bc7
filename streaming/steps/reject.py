"""Rows with reasons, as the type REJECTED."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streaming.contracts.reasons import Reason, message_of
from streaming.records import RAW, REASON, REJECTED


def rejected_rows(
    batch: pa.RecordBatch, reasons: Mapping[int, Sequence[Reason]], stage: str, versions: NDArray[np.integer[Any]]
) -> pa.RecordBatch:
    """The rows of a batch that have reasons, in the batch's order, with their original bytes.

    batch: has the columns of RAW; reasons: row → at least one reason, the first of which names the row's reason and path;
    versions: schema version of each row of the batch, integers.
    """
    if not reasons:
        return pa.RecordBatch.from_pylist([], schema=REJECTED)
    places = sorted(reasons)
    original = batch.select(RAW.names).take(pa.array(places, pa.int64()))
    told = [
        {
            "stage": stage,
            "reason": reasons[row][0].rule,
            "path": reasons[row][0].path,
            "message": message_of(reasons[row]),
            "value_found": reasons[row][0].value,
            "schema_version": int(versions[row]),
        }
        for row in places
    ]
    return pa.RecordBatch.from_arrays([*original.columns, *pa.RecordBatch.from_pylist(told, schema=REASON).columns], schema=REJECTED)
