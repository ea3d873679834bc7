"""Row keys and cell timestamps of the tables in HBase: what lies next to what, and what is newer than what.

A key of an entity starts with a salt, so that deployments and entities with common beginnings spread over the regions.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

import numpy as np

_DELAY_BITS = 11
_LAST_US = (1 << (63 - _DELAY_BITS)) - 2  # the year 2112; HBase takes the largest timestamp of all for "now"
_LONGEST = 1024  # bytes of a name within a key; HBase's keys end at 32 KiB


def cell_time(event_us: np.ndarray, received_us: np.ndarray) -> np.ndarray:
    """The timestamp of a current row's cell: newer in the order (event time, broker time) is never smaller.

    event_us, received_us: µs since 1970, int64, shape (rows,). Returns int64, shape (rows,): the event time in the upper 52 bits, a code
    of the delay in the lower 11. The code grows with the delay in steps of 1 in 16 at most, so that only events of one entity in one
    microsecond with nearly the same delay share a timestamp. Event times before 1970 share the smallest one.

    >>> cell_time(np.array([5, 5, 6]), np.array([9, 2000, 0])) - (np.array([5, 5, 6]) << 11)
    array([1088, 1231,  955])
    """
    code = _delay_code(received_us - event_us)
    code = np.where(event_us < 0, 0, np.where(event_us > _LAST_US, (1 << _DELAY_BITS) - 1, code))
    found: np.ndarray = np.maximum((np.clip(event_us, 0, _LAST_US) << _DELAY_BITS) | code, 1)
    return found


def _delay_code(delay_us: np.ndarray) -> np.ndarray:
    """A delay, negative ones too, on a logarithmic scale of 16 steps an octave: 0 to 2047, never falling as the delay grows."""
    size = np.where(delay_us < 0, -1 - delay_us, delay_us)
    # Rounding to a float never turns an order around, so it does not matter that it is inexact.
    mantissa, exponent = np.frexp(size.astype(np.float64))
    code = 16 * exponent.astype(np.int64) + (32 * mantissa).astype(np.int64)
    return np.where(delay_us < 0, 1023 - code, 1024 + code)


def entity_key(deployment: str, entity: str) -> bytes:
    r"""Salt, deployment and entity; no entity's key is the beginning of another's, so that a prefix finds one entity.

    >>> entity_key("risk", "c1")[1:]
    b'risk\x00\x00c1\x00\x00'
    """
    return salted(_closed(deployment) + _closed(entity))


def history_key(entity: bytes, event_us: int, prediction_id: bytes) -> bytes:
    """The key of a row of the history: after its entity's key the time, newest first, and the prediction's 16 bytes."""
    return entity + struct.pack(">Q", (1 << 63) - 1 - event_us) + prediction_id


def claim_key(prediction_id: bytes, event_us: int) -> bytes:
    """The key under which an event is claimed: ids are spread evenly by nature, and need no salt."""
    return prediction_id + struct.pack(">Q", event_us + (1 << 63))


def address_key(deployment: str, topic: str, partition: int, offset: int) -> bytes:
    """The key of what was scored at an address for a deployment."""
    return salted(_closed(deployment) + _closed(topic) + struct.pack(">iq", partition, offset))


def place(topic: str, partition: int, offset: int) -> bytes:
    """An address as bytes: fixed width first, so that the topic needs no end."""
    return struct.pack(">iq", partition, offset) + topic.encode()


def id_bytes(prediction_id: str) -> bytes:
    """The 16 bytes of a prediction's UUID."""
    return bytes.fromhex(prediction_id.replace("-", ""))


def split_keys(regions: int) -> list[bytes]:
    r"""Where a table of evenly spread keys is split into so many regions.

    >>> split_keys(4)
    [b'@', b'\x80', b'\xc0']
    """
    return [bytes([number * 256 // regions]) for number in range(1, regions)]


def salted(key: bytes) -> bytes:
    """The key behind one byte of its hash: 256 buckets, however many regions there are."""
    return hashlib.blake2b(key, digest_size=1).digest() + key


def chunks(sizes: Iterable[int], most_rows: int, most_bytes: int) -> list[slice]:
    """Slices of rows of these sizes in bytes that stay within both limits; a row above the limit stands alone.

    >>> chunks([5, 5, 5, 50, 1], most_rows=2, most_bytes=20)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    found, start, held, row = [], 0, 0, 0
    for row, size in enumerate(sizes, 1):
        if row - 1 > start and (row - 1 - start >= most_rows or held + size > most_bytes):
            found.append(slice(start, row - 1))
            start, held = row - 1, 0
        held += size
    return [*found, slice(start, row)] if row else found


def _closed(name: str) -> bytes:
    """A name with an end that stands in no other: no name is the beginning of another; a very long one ends in its hash."""
    text = name.encode()
    if len(text) > _LONGEST:
        return text[:_LONGEST].replace(b"\0", b"\0\xff") + b"\0\x01" + hashlib.sha256(text).digest() + b"\0\0"
    return text.replace(b"\0", b"\0\xff") + b"\0\0"
