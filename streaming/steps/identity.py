"""Identity of predictions: the same event gets the same id however often and wherever it is scored.

Made column by column, because a call of `uuid.uuid5` for each row would cost as much as the model.
"""

from __future__ import annotations

from hashlib import sha1
from uuid import NAMESPACE_URL, uuid5

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_encode = msgspec.json.Encoder().encode
_HEX = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), np.uint8).reshape(256, 2)
_GROUPS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16))  # bytes between the dashes of a UUID
_ESCAPED = r'["\\\x00-\x1f]'  # what JSON does not write as it is


def prediction_ids(batch: pa.RecordBatch, stream: str, deployment: str, shadow: str | None = None) -> pa.Array:
    """UUIDv5 of each row as text, in the namespace of the stream.

    batch: with event_id, event_time and the address. The name is the canonical JSON of [deployment, event key], and of
    [deployment, event key, variant] for a shadow; the event key is [event id, event time], or the address without an id.
    """
    namespace = uuid5(NAMESPACE_URL, "stream:" + stream).bytes
    names = prediction_names(batch, deployment, shadow)
    digests = b"".join([sha1(namespace + name, usedforsecurity=False).digest()[:16] for name in names])
    return _uuid_texts(np.frombuffer(digests, np.uint8).reshape(-1, 16).copy())


def prediction_names(batch: pa.RecordBatch, deployment: str, shadow: str | None = None) -> list[bytes]:
    """The canonical JSON of each row that its id is made of."""
    events = batch.column("event_id")
    times = _times(batch.column("event_time"))
    tail = [] if shadow is None else [shadow]
    if events.null_count or times.null_count or pc.any(pc.match_substring_regex(events, _ESCAPED)).as_py():
        return [_encode([deployment, key, *tail]) for key in _event_keys(batch, events, times)]
    before = _encode([deployment]).decode()[:-1] + ',["'
    after = '"]' + "".join("," + _encode(variant).decode() for variant in tail) + "]"
    names: list[bytes] = pc.binary_join_element_wise(before, events, '","', times, after, "").cast(pa.binary()).to_pylist()
    return names


def _event_keys(batch: pa.RecordBatch, events: pa.Array, times: pa.Array) -> list[tuple[object, ...]]:
    addresses = zip(*(batch.column(name).to_pylist() for name in ("source_topic", "source_partition", "source_offset")), strict=True)
    keys = zip(events.to_pylist(), times.to_pylist(), strict=True)
    return [address if key[0] is None else key for key, address in zip(keys, addresses, strict=True)]


def _times(column: pa.Array) -> pa.Array:
    """RFC 3339, six digits, Z. Cast without a zone, because Arrow then needs no time zone database."""
    texts = pc.cast(pc.cast(column, pa.timestamp("us")), pa.string())
    return pc.binary_join_element_wise(pc.binary_replace_slice(texts, 10, 11, "T"), "Z", "")


def _uuid_texts(raw: npt.NDArray[np.uint8]) -> pa.Array:
    """Version 5 UUIDs as text from hashes, shape (rows, 16)."""
    raw[:, 6] = raw[:, 6] & 0x0F | 0x50
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    rows = len(raw)
    dash = np.full((rows, 1), ord("-"), np.uint8)
    parts = [part for start, end in _GROUPS for part in (dash, _HEX[raw[:, start:end]].reshape(rows, 2 * (end - start)))]
    text = np.ascontiguousarray(np.hstack(parts[1:]))
    offsets = np.arange(rows + 1, dtype=np.int32) * text.shape[1]
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))
