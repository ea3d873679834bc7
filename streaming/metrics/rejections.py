"""Rejected rows counted by what a person asks for: the reason, who produced them, and the schema version."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

PRODUCER_HEADER = "producer"
UNKNOWN = "unknown"
_NAME_LENGTH = 60


def by_reason(rejected: pa.RecordBatch) -> dict[str, int]:
    """Rows of the type REJECTED by reason."""
    return _counts(rejected.column("reason"))


def by_schema_version(rejected: pa.RecordBatch) -> dict[str, int]:
    """Rows of the type REJECTED by the schema version that they were held to, as text; "unknown" for null."""
    return _counts(rejected.column("schema_version").cast(pa.string()).fill_null(UNKNOWN))


def by_producer(rejected: pa.RecordBatch) -> dict[str, int]:
    """Rows of the type REJECTED by their last header `producer`, shortened; "unknown" without one that can be read."""
    headers = rejected.column("headers")
    names = [UNKNOWN] * rejected.num_rows
    pairs = headers.flatten()
    named = pc.equal(pairs.field("key"), PRODUCER_HEADER).fill_null(False)
    rows = pc.list_parent_indices(headers).filter(named).to_pylist()
    for row, value in zip(rows, pairs.field("value").filter(named).to_pylist(), strict=True):
        names[row] = producer_name(value)
    return _counts(pa.array(names, pa.string()))


def producer_name(value: bytes | None) -> str:
    """The name in a header `producer`: at most 60 characters, all of them printable; "unknown" for none.

    >>> producer_name(b"crm-3"), producer_name(None), producer_name(bytes([255, 10]))
    ('crm-3', 'unknown', '??')
    """
    text = (value or b"").decode("utf-8", "replace")[:_NAME_LENGTH]
    return "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in text) or UNKNOWN


def _counts(values: pa.Array) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in pc.value_counts(values).to_pylist()}
