"""Decode: the envelope of a raw event, and the JSON text in it. What can be told without parsing that text is told here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts.reasons import Reason, printable, shorten
from streaming.contracts.wire.cloud_events import CONTENT_TYPE, DATA_SCHEMA, SPEC_VERSION, STRUCTURED_PREFIX
from streaming.contracts.wire.confluent import ID_HEADER, MAGIC_GUID, MAGIC_ID
from streaming.contracts.wire.names import VERSION_HEADER
from streaming.contracts.wire.reader import WIRE_HEADERS, Unwrapped, WireReader
from streaming.models.plan import Plan
from streaming.records import RAW
from streaming.steps import Outcome
from streaming.steps.reject import rejected_rows
from streaming.steps.replayed import first_addresses

STAGE = "decode"
_TELLING = pa.array([ID_HEADER, SPEC_VERSION, DATA_SCHEMA])  # the first matters only where a registry is
_MAGIC = pa.array([bytes([MAGIC_ID]), bytes([MAGIC_GUID])], pa.binary())
_LAST_US = 253_402_300_800_000_000 - 1  # the last microsecond of the year 9999
# payload: the JSON text of the event, which is the value itself where nothing is around it; the digest is the value's.
DECODED = pa.schema([*RAW, ("payload_digest", pa.string()), ("schema_version", pa.int32()), ("payload", pa.binary())])


class Decode:
    """Step: rows of the type RAW in; out come DECODED rows, with the value's digest, schema version and JSON text.

    Rejected: null_value, empty_value, too_large (over the plan's max_event_bytes), unknown_schema_version where the header
    `schema-version` is no number or a wire format names no version of the event, wire_format where a message is not what its
    frame or headers say, unknown_schema_id, and number_range where the message's own time is not of the years 1970 to 9999.
    Rows that name no version are of the plan's.
    """

    def __init__(self, wire: WireReader | None = None) -> None:
        """wire: reads the formats; None takes every value as JSON text, whatever stands around it."""
        self._wire = wire

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:
        """Decode a batch. Raises nothing for what an event holds; Unavailable where a schema registry gives no answer."""
        batch = first_addresses(batch, plan.replay_topic)
        named, unreadable = _versions(batch.column("headers"))
        rejected = {row: [Reason("", "unknown_schema_version", found, "a number")] for row, found in unreadable.items()}
        rejected |= _unfit_values(batch.column("value"), plan.max_event_bytes)
        for row, reason in _unfit_times(batch.column("received_at")).items():
            rejected.setdefault(row, []).append(reason)
        versions = np.full(batch.num_rows, plan.schema_version, dtype=np.int32)
        versions[list(named)] = list(named.values())
        payloads: dict[int, bytes] = {}
        if self._wire is not None:
            for row in _wire_rows(batch, framed=self._wire.framed):
                if row in rejected:
                    continue
                read = _read(self._wire, batch, row, named.get(row), plan.schema_version)
                if isinstance(read, Reason):
                    rejected[row] = [read]
                else:
                    payloads[row], versions[row] = read
        return Outcome(_decoded(batch, versions, payloads, rejected), rejected_rows(batch, rejected, STAGE, versions))


def _read(wire: WireReader, batch: pa.RecordBatch, row: int, header: int | None, default: int) -> Unwrapped | Reason:
    pairs = batch.column("headers")[row].as_py() or []
    headers = {pair["key"]: pair["value"] or b"" for pair in pairs if pair["key"] in WIRE_HEADERS}  # the last of a name counts
    return wire.read(batch.column("value")[row].as_py(), headers, header=header, default=default)


def _decoded(
    batch: pa.RecordBatch, versions: NDArray[np.int32], payloads: Mapping[int, bytes], rejected: Collection[int]
) -> pa.RecordBatch:
    """The rows that are not rejected, as DECODED."""
    texts = batch.column("value")
    if payloads:
        texts = pa.array([payloads.get(row, value) for row, value in enumerate(texts.to_pylist())], pa.binary())
    rows = batch.append_column("schema_version", pa.array(versions, pa.int32())).append_column("payload", texts)
    if rejected:
        kept = np.setdiff1d(np.arange(batch.num_rows), np.fromiter(rejected, dtype=np.int64))
        rows = rows.take(pa.array(kept, pa.int64()))
    digests = pa.array([sha256(value).hexdigest() for value in rows.column("value").to_pylist()], pa.string())
    columns = [*rows.columns[: len(RAW)], digests, rows.column("schema_version"), rows.column("payload")]
    return pa.RecordBatch.from_arrays(columns, schema=DECODED)


def _wire_rows(batch: pa.RecordBatch, *, framed: bool) -> list[int]:
    """Rows that may be more than bare JSON: what their headers say, or a magic byte. The others are never looked at one by one."""
    headers = batch.column("headers")
    pairs = headers.flatten()
    rows = np.empty(0, dtype=np.int64)
    if len(pairs):
        keys, values = pairs.field("key"), pairs.field("value")
        enveloped = pc.starts_with(values, pattern=STRUCTURED_PREFIX, ignore_case=True)
        told = pc.is_in(keys, value_set=_TELLING if framed else _TELLING[1:])
        named = pc.or_(told, pc.and_(pc.equal(keys, CONTENT_TYPE), enveloped)).fill_null(False)
        rows = pc.list_parent_indices(headers).filter(named).to_numpy()
    if framed:
        first = pc.binary_slice(batch.column("value"), 0, 1)
        rows = np.concatenate([rows, np.flatnonzero(pc.is_in(first, value_set=_MAGIC).to_numpy(zero_copy_only=False))])
    found: list[int] = np.unique(rows).tolist()
    return found


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


def _versions(headers: pa.Array) -> tuple[dict[int, int], dict[int, str]]:
    """Row → schema version that its header names, and row → what a header that cannot be read holds. The last header counts."""
    versions: dict[int, int] = {}
    unreadable: dict[int, str] = {}
    pairs = headers.flatten()
    if len(pairs) == 0:
        return versions, unreadable
    named = pc.equal(pairs.field("key"), VERSION_HEADER).fill_null(False)
    rows = pc.list_parent_indices(headers).filter(named).to_pylist()
    for row, text in zip(rows, pairs.field("value").filter(named).to_pylist(), strict=True):
        unreadable.pop(row, None)
        versions.pop(row, None)
        if text is not None and text.isdigit() and len(text) < 10:
            versions[row] = int(text)
        else:
            unreadable[row] = shorten(printable((text or b"")[:80].decode("utf-8", "replace")))
    return versions, unreadable
