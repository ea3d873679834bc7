"""A file of messages that wait to be sent: appended to, never changed, deleted when all are acknowledged.

    header  8 bytes  b"SCOUTBX1"
    frame   length of key and value (two u32, little-endian), CRC-32 of lengths, key and value (u32), key, value
A process may die at any byte: what was appended whole is read back, an unfinished frame at the end is the call that never returned.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

HEADER = b"SCOUTBX1"
_LENGTHS = struct.Struct("<II")
_SUM = struct.Struct("<I")
_PREFIX = _LENGTHS.size + _SUM.size


class Frame(NamedTuple):
    """One message: its key and value on the topic."""

    key: bytes
    value: bytes


class Contents(NamedTuple):
    """What a segment holds. broken: why reading ended before the last byte; empty where it did not, or in an unfinished frame."""

    frames: list[Frame]
    broken: str


class Segment:
    """A segment that is being written; made empty, it must not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = len(HEADER)
        self.frames = 0
        # Unbuffered: what `append` has returned from is the kernel's, and survives this process.
        self._file: BinaryIO = path.open("xb", buffering=0)
        self._write(HEADER)

    def append(self, frame: Frame, *, sync: bool) -> int:
        """Add a frame; returns its size in bytes. sync: forced to the disk too. Raises OSError, after which the file is as before."""
        data = encoded(frame)
        try:
            self._write(data)
        except OSError:
            os.ftruncate(self._file.fileno(), self.size_bytes)
            self._file.seek(self.size_bytes)
            raise
        self.size_bytes += len(data)
        self.frames += 1
        if sync:
            os.fsync(self._file.fileno())
        return len(data)

    def seal(self, *, sync: bool) -> None:
        """Nothing is added any more. sync: forced to the disk."""
        if sync:
            os.fsync(self._file.fileno())
        self._file.close()

    def _write(self, data: bytes) -> None:
        written = self._file.write(data)
        if written != len(data):
            raise OSError(f"only {written} of {len(data)} bytes could be written")


def encoded(frame: Frame) -> bytes:
    """A frame as it lies in the file."""
    lengths = _LENGTHS.pack(len(frame.key), len(frame.value))
    return lengths + _SUM.pack(zlib.crc32(lengths + frame.key + frame.value)) + frame.key + frame.value


def read_segment(path: Path) -> Contents:
    """All whole frames of a segment, in order. Raises OSError."""
    data = path.read_bytes()
    if not data.startswith(HEADER):
        return Contents([], "" if HEADER.startswith(data) else "its header is not that of a segment")
    frames: list[Frame] = []
    place = len(HEADER)
    while place + _PREFIX <= len(data):
        lengths = data[place : place + _LENGTHS.size]
        key_size, value_size = _LENGTHS.unpack(lengths)
        (checksum,) = _SUM.unpack_from(data, place + _LENGTHS.size)
        body = data[place + _PREFIX : place + _PREFIX + key_size + value_size]
        if len(body) < key_size + value_size:
            break
        if zlib.crc32(lengths + body) != checksum:
            return Contents(frames, f"the frame at byte {place} does not have its checksum")
        frames.append(Frame(body[:key_size], body[key_size:]))
        place += _PREFIX + len(body)
    return Contents(frames, "")
