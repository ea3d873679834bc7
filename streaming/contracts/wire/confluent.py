"""The Confluent wire format: which schema a message was written with stands before its bytes, or in a header.

Magic byte 0 and a 4-byte id (big endian), or magic byte 1 and the 16 bytes of the schema's GUID. No JSON text begins with either.
"""

from __future__ import annotations

from uuid import UUID

from streaming.contracts.reasons import Reason
from streaming.contracts.wire.resolver import SchemaKey

ID_HEADER = "__value_schema_id"
MAGIC_ID, MAGIC_GUID = 0, 1
_LENGTHS = {MAGIC_ID: 5, MAGIC_GUID: 17}
_MOST = 2**31 - 1  # registries count in signed 32-bit numbers


def split_frame(data: bytes) -> tuple[SchemaKey, bytes] | Reason:
    r"""The key of the schema, and the bytes after the frame.

    >>> split_frame(b"\0\0\0\0\7{}")
    (7, b'{}')
    >>> split_frame(b"\0\0\0").message
    'wire_format frame of 5 bytes, found 3 bytes'
    """
    magic = data[0] if data else -1
    length = _LENGTHS.get(magic)
    if length is None:
        return Reason("", "wire_format", f"{magic:#04x}" if data else "no bytes", "magic byte 0 or 1")
    if len(data) < length:
        return Reason("", "wire_format", f"{len(data)} bytes", f"frame of {length} bytes")
    if magic == MAGIC_GUID:
        return UUID(bytes=data[1:length]), data[length:]
    number = int.from_bytes(data[1:length], "big")
    if number > _MOST:
        return Reason("", "unknown_schema_id", str(number), f"at most {_MOST}")
    return number, data[length:]


def split_message(value: bytes, header: bytes | None) -> tuple[SchemaKey, bytes] | Reason | None:
    """The key of a message's schema and its payload, by its header or else its first bytes; None if it is not framed."""
    if header is None and value[0] not in _LENGTHS:
        return None
    found = split_frame(value if header is None else header)
    if isinstance(found, Reason):
        return found
    key, rest = found
    if header is not None and rest:
        return Reason("", "wire_format", f"{len(rest)} bytes more", f"nothing behind the schema id in the header {ID_HEADER}")
    payload = rest if header is None else value
    return (key, payload) if payload else Reason("", "wire_format", "no bytes", "an event behind the schema id")
