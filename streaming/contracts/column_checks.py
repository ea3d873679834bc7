"""What whole columns of texts and numbers tell that msgspec cannot: times, UUIDs, numbers out of range, and how often a byte is there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts.validator import instant
from streaming.records import INSTANT

_UUID = "x" * 8 + "-xxxx" * 3 + "-" + "x" * 12
# Everything about a time but the length of its month, which Arrow checks; finer than microseconds is for the exact path.
_TIME = (
    r"\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z"
)
_NO_DAYS, _LEAP_DAY = pa.array(["02-30", "02-31", "04-31", "06-31", "09-31", "11-31"]), "02-29"
_STRETCH = 100  # values whose characters are counted together
_BEYOND_INT64 = 2.0**63
_CLASSES = np.full(256, ord(" "), dtype=np.uint8)  # what a byte may be in a UUID: x for a hexadecimal digit, - for itself
_CLASSES[list(b"0123456789abcdefABCDEF")] = ord("x")
_CLASSES[ord("-")] = ord("-")
_UUID_CLASSES = np.frombuffer(_UUID.encode(), dtype=np.uint32)
Mask = NDArray[np.bool_]


def are_doubles(column: pa.Array) -> Mask:
    """Of a column float64: which are too small to have been integers beyond 64 bits, which msgspec reads as doubles; null is one."""
    found: Mask = np.abs(column.fill_null(0).to_numpy(zero_copy_only=False)) < _BEYOND_INT64
    return found


def are_times(column: pa.Array) -> Mask:
    """Of a column of texts: which look like times of RFC 3339, to microseconds, in months of 31 days; null is one."""
    found: Mask = pc.match_substring_regex(column, _TIME).fill_null(True).to_numpy(zero_copy_only=False)
    return found


def are_uuids(column: pa.Array) -> Mask:
    """Of a column of texts: which are UUIDs; null is one. By one look at all bytes: five times as fast as a regular expression."""
    sizes = pc.binary_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    found: Mask = sizes == -1
    rows = np.flatnonzero(sizes == len(_UUID))
    data, _ = bytes_of(column if len(rows) == len(column) else column.take(pa.array(rows)))
    found[rows] = (_CLASSES[data].view(np.uint32).reshape(len(rows), len(_UUID_CLASSES)) == _UUID_CLASSES).all(axis=1)
    return found


def read_times(texts: pa.Array) -> pa.Array:
    """Texts as timestamps[us, UTC]; null where one is no time."""
    try:
        return pc.cast(texts, INSTANT)
    except pa.ArrowInvalid:
        days = pc.utf8_slice_codeunits(texts, 5, 10)  # somewhere a 30th of February: only a leap day needs the year
    texts, odd = pc.if_else(pc.is_in(days, value_set=_NO_DAYS), None, texts), pc.equal(days, _LEAP_DAY).fill_null(False)
    try:
        others = pc.cast(pc.if_else(odd, None, texts), INSTANT)
    except pa.ArrowInvalid:  # something finer than microseconds, which only rules hold
        odd, others = texts.is_valid(), pa.nulls(len(texts), INSTANT)
    found = pa.array([instant(text) for text in texts.filter(odd).to_pylist()], INSTANT)
    return pc.replace_with_mask(others, odd, found)


def bytes_of(values: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All bytes of a binary or text column one after the other, and where each value begins; the last edge is the end."""
    large = values.cast(pa.large_binary())
    _, offsets, data = large.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
    return np.frombuffer(data, dtype=np.uint8)[edges[0] : edges[-1]], edges - edges[0]


def have_counts(data: NDArray[np.uint8], edges: NDArray[np.int64], character: int, counts: NDArray[np.int64]) -> Mask:
    """Which values hold a one-byte character as often as counted; none holds it less often.

    data, edges: as of `bytes_of`. So the sum over a stretch tells whether any value in it differs, and few are looked at one by one.
    """
    marks = data == character
    same: Mask = np.ones(len(counts), dtype=bool)
    for first in range(0, len(counts), _STRETCH):
        ends, wanted = edges[first : first + _STRETCH + 1], counts[first : first + _STRETCH]
        part = marks[ends[0] : ends[-1]]
        if np.count_nonzero(part) != wanted.sum():
            found = np.diff(np.searchsorted(np.flatnonzero(part), ends - ends[0]))
            same[first : first + _STRETCH] = found == wanted
    return same
