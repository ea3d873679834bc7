"""KLL quantile sketches as bytes that merge to the same bytes whoever merges them, in the binary format of Apache DataSketches.

A sketch of k = 200 keeps some 500 numbers of any number of them; a rank read from it is off by at most RANK_ERROR with 99 %
confidence, and exact up to 200 numbers (Karnin, Lang & Liberty 2016, Optimal Quantile Approximation in Streams). DataSketches
itself draws its coins from a generator that nobody can seed, so that a replay would publish other bytes under the same id: here
the coin of a compaction comes from what is compacted. Its libraries in Java, C++ and Python read these bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import datasketches as ds
import numpy as np
from numpy.typing import NDArray

K, _M = 200, 8
RANK_ERROR = float(ds.kll_doubles_sketch(K).normalized_rank_error(False))
"""99 % of the ranks are within it, as a share of the numbers"""
EXACT = K
"""up to so many numbers a sketch holds every one of them"""

Floats = NDArray[np.float64]
_HEAD = struct.Struct("<BBBBHBBQHBB")  # preamble ints, serial version, family, flags, k, m, -, n, min k, levels, -
_FULL, _SINGLE, _FAMILY, _SORTED = (5, 1), (2, 2), 15, 0b10


class Points(NamedTuple):
    """What a sketch holds: numbers ascending, shape (kept,); the share of all that is up to each; how many were counted."""

    values: Floats
    shares: Floats
    n: int

    @property
    def error(self) -> float:
        """By how much a rank may be off, as a share; 0 where every number is kept."""
        return 0.0 if self.n <= EXACT else RANK_ERROR


class _Kept(NamedTuple):
    levels: list[Floats]
    """numbers at a level count 2^level each"""
    n: int
    low: float
    high: float


def sketch(values: Floats) -> bytes:
    """Sketch of the finite numbers among values, shape (n,); no bytes where there is none.

    >>> points(sketch(np.array([3.0, 1.0, 2.0, np.nan]))).values
    array([1., 2., 3.])
    """
    found = np.sort(np.asarray(values, dtype=np.float64)[np.isfinite(values)])
    return _packed(_Kept([found], len(found), found[0], found[-1])) if len(found) else b""


def merge(sketches: Iterable[bytes]) -> bytes:
    """Sketch of all that the parts hold; their order does not matter. Empty parts add nothing.

    Raises ValueError for bytes that are no such sketch: see `fault`.
    """
    parts = [_unpacked(part) for part in sketches if part]
    if not parts:
        return b""
    levels = [
        np.sort(np.concatenate([part.levels[height] for part in parts if height < len(part.levels)]))
        for height in range(max(len(part.levels) for part in parts))
    ]
    return _packed(_Kept(levels, sum(part.n for part in parts), min(part.low for part in parts), max(part.high for part in parts)))


def points(sketch: bytes) -> Points:
    """The numbers that a sketch keeps, with the lowest and the highest of all. Raises ValueError for no bytes and for other bytes."""
    kept = _unpacked(sketch)
    values = np.concatenate(kept.levels)
    weights = np.concatenate([np.full(len(level), 2.0**height) for height, level in enumerate(kept.levels)])
    order = np.argsort(values, kind="stable")
    # The ends are known exactly; they weigh nothing, and only bound what lies between.
    ends = np.concatenate([[kept.low], values[order], [kept.high]]) if kept.n > EXACT else values[order]
    shares = np.cumsum(weights[order]) / kept.n
    return Points(ends, np.concatenate([[0.0], shares, [1.0]]) if kept.n > EXACT else shares, kept.n)


def rank(found: Points, values: Floats) -> Floats:
    """Share of the numbers that are at most each of values, shape (m,)."""
    return np.concatenate([[0.0], found.shares])[np.searchsorted(found.values, values, side="right")]


def quantile(found: Points, share: float) -> float:
    """The lowest number that at least a share (0 to 1) of the numbers does not exceed.

    >>> quantile(points(sketch(np.arange(1.0, 6.0))), 0.5)
    3.0
    """
    return float(found.values[min(int(np.searchsorted(found.shares, share - 1e-12)), len(found.values) - 1)])


def fault(sketch: bytes) -> str | None:
    """What is wrong with bytes that should be a sketch of ours, in one line; None if nothing.

    >>> fault(b"no sketch")
    'is no KLL sketch of doubles with k = 200'
    """
    try:
        kept = _unpacked(sketch)
    except ValueError:
        return f"is no KLL sketch of doubles with k = {K}"
    counted = sum(len(level) << height for height, level in enumerate(kept.levels))
    if counted != kept.n or not np.isfinite(np.concatenate([*kept.levels, [kept.low, kept.high]])).all():
        return f"counts {counted} numbers where it says {kept.n}, or holds what is not finite"
    return None


def _capacity(height: int, levels: int) -> int:
    """How many numbers a level holds: k times 2/3 for each level above it, rounded as DataSketches rounds."""
    depth = levels - height - 1
    return max(_M, int(((2 * K) << depth) // 3**depth + 1) >> 1)


def _compressed(levels: list[Floats]) -> list[Floats]:
    """Levels that fit: the lowest that is over its capacity gives half of its numbers to the next, as often as it takes."""
    found = list(levels)
    while sum(map(len, found)) > sum(_capacity(height, len(found)) for height in range(len(found))):
        height = next(height for height, level in enumerate(found) if len(level) > _capacity(height, len(found)))
        left, up = _halved(found[height])
        above = found[height + 1] if height + 1 < len(found) else up[:0]
        found[height : height + 2] = [left, np.sort(np.concatenate([above, up]))]
    return found


def _halved(level: Floats) -> tuple[Floats, Floats]:
    """What stays (the first of an odd number), and every second of the others: which half, their own bytes decide."""
    odd = len(level) % 2
    rest = level[odd:]
    coin = blake2b(rest.tobytes(), digest_size=1).digest()[0] & 1
    return level[:odd], rest[coin::2]


def _packed(kept: _Kept) -> bytes:
    levels = _compressed(kept.levels)
    capacity = sum(_capacity(height, len(levels)) for height in range(len(levels)))
    sizes = [len(level) for level in levels]
    starts = capacity - sum(sizes) + np.cumsum([0, *sizes[:-1]])
    head = _HEAD.pack(*_FULL, _FAMILY, _SORTED, K, _M, 0, kept.n, K, len(levels), 0)
    return b"".join([head, starts.astype("<u4").tobytes(), np.concatenate([[kept.low, kept.high], *levels]).astype("<f8").tobytes()])


def _unpacked(sketch: bytes) -> _Kept:
    """What the bytes hold, level by level. Raises ValueError."""
    form, family, k = tuple(sketch[:2]), sketch[2:3], sketch[4:6]
    if family != bytes([_FAMILY]) or k != K.to_bytes(2, "little") or form not in {_FULL, _SINGLE}:
        raise ValueError(f"these bytes are no KLL sketch of k = {K}; take those that streaming.metrics.kll made")
    if form == _SINGLE:
        value = np.frombuffer(sketch, "<f8", offset=8)
        return _Kept([value], 1, float(value[0]), float(value[0]))
    if len(sketch) < _HEAD.size:
        raise ValueError(f"{len(sketch)} bytes of a KLL sketch; expected at least {_HEAD.size}")
    *_, n, _, count, _ = _HEAD.unpack_from(sketch)
    starts = np.frombuffer(sketch, "<u4", count, _HEAD.size).astype(np.int64)
    numbers = np.frombuffer(sketch, "<f8", offset=_HEAD.size + 4 * count)
    if not count or count > 60 or len(numbers) < 3:
        raise ValueError(f"a KLL sketch of {count} levels and {len(numbers)} numbers; take those that streaming.metrics.kll made")
    levels = [np.sort(level) for level in np.split(numbers[2:], starts[1:] - starts[0])]
    return _Kept(levels, n, float(numbers[0]), float(numbers[1]))
