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
    rows = pa.array(places, pa.int64())
    firsts = [reasons[row][0] for row in places]
    told = {
        "stage": [stage] * len(places),
        "reason": [first.rule for first in firsts],
        "path": [first.path for first in firsts],
        "message": [message_of(reasons[row]) for row in places],
        "value_found": [first.value for first in firsts],
        "schema_version": versions[places],
    }
    columns = [pa.array(told[field.name], field.type) for field in REASON]
    return pa.RecordBatch.from_arrays([*batch.select(RAW.names).take(rows).columns, *columns], schema=REJECTED)
