"""Decode: the envelope of a raw event. What can be told without parsing the value is told here."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts.reasons import Reason, printable, shorten
from streaming.models.plan import Plan
from streaming.records import RAW
from streaming.steps import Outcome
from streaming.steps.reject import rejected_rows
from streaming.steps.replayed import first_addresses

STAGE = "decode"
VERSION_HEADER = "schema-version"
_LAST_US = 253_402_300_800_000_000 - 1  # the last microsecond of the year 9999
DECODED = pa.schema([*RAW, ("payload_digest", pa.string()), ("schema_version", pa.int32())])


class Decode:
    """Step: rows of the type RAW in; out come DECODED rows, with the value's digest and schema version.

    Rejected: null_value, empty_value, too_large (over the plan's max_event_bytes), unknown_schema_version where the header
    `schema-version` is no number, and number_range where the message's own time is not of the years 1970 to 9999. Rows
    without the header are of the plan's schema version.
    """

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:
        """Decode a batch. Raises nothing for what an event holds."""
        batch = first_addresses(batch, plan.replay_topic)
        versions, unreadable = _versions(batch.column("headers"), plan.schema_version)
        rejected = {row: [Reason("", "unknown_schema_version", found, "a number")] for row, found in unreadable.items()}
        rejected |= _unfit_values(batch.column("value"), plan.max_event_bytes)
        for row, reason in _unfit_times(batch.column("received_at")).items():
            rejected.setdefault(row, []).append(reason)
        envelope = batch.append_column("schema_version", pa.array(versions, pa.int32()))
        refused = rejected_rows(batch, rejected, STAGE, versions)
        if rejected:
            kept = np.setdiff1d(np.arange(batch.num_rows), np.fromiter(rejected, dtype=np.int64))
            envelope = envelope.take(pa.array(kept, pa.int64()))
        digests = pa.array([sha256(value).hexdigest() for value in envelope.column("value").to_pylist()], pa.string())
        columns = [*envelope.columns[: len(RAW)], digests, envelope.column("schema_version")]
        return Outcome(pa.RecordBatch.from_arrays(columns, schema=DECODED), refused)


def _unfit_values(values: pa.Array, max_bytes: int) -> dict[int, list[Reason]]:
    sizes = pc.binary_length(values).fill_null(-1).to_numpy(zero_copy_only=False)
    reasons: dict[int, list[Reason]] = {}
    for row in np.flatnonzero((sizes <= 0) | (sizes > max_bytes)).tolist():
        size = int(sizes[row])
        if size > max_bytes:
            reasons[row] = [Reason("", "too_large", f"{size} bytes", f"over {max_bytes} bytes")]
        else:
            reasons[row] = [Reason("", "empty_value" if size == 0 else "null_value")]
    return reasons


def _unfit_times(times: pa.Array) -> dict[int, Reason]:
    """Message times that neither a datetime nor a table holds, or that are before the clocks of Kafka (-1: none)."""
    times_us = times.cast(pa.int64()).to_numpy()
    rows = np.flatnonzero((times_us < 0) | (times_us > _LAST_US)).tolist()
    return {row: Reason("", "number_range", f"{times_us[row] // 1000} ms", "message time of the years 1970 to 9999") for row in rows}


def _versions(headers: pa.Array, default: int) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Schema version of each row, and the rows whose header cannot be read with what it holds. The last header counts."""
    versions = np.full(len(headers), default, dtype=np.int32)
    unreadable: dict[int, str] = {}
    pairs = headers.flatten()
    if len(pairs) == 0:
        return versions, unreadable
    named = pc.equal(pairs.field("key"), VERSION_HEADER).fill_null(False)
    rows = pc.list_parent_indices(headers).filter(named).to_pylist()
    for row, text in zip(rows, pairs.field("value").filter(named).to_pylist(), strict=True):
        unreadable.pop(row, None)
        if text is not None and text.isdigit() and len(text) < 10:
            versions[row] = int(text)
        else:
            unreadable[row] = shorten(printable((text or b"")[:80].decode("utf-8", "replace")))
    return versions, unreadable
