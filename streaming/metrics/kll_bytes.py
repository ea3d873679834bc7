"""Is it a KLL sketch of doubles? Asked before bytes go to Apache DataSketches, which reads beyond the end of those that are not.

The layout is that of DataSketches' kll_doubles_sketch (kll_sketch.hpp): 8 bytes of preamble, n, min k, number of levels, where each level
begins, least and greatest, then the numbers of all levels.
"""

from __future__ import annotations

import struct
from itertools import pairwise

_FAMILY, _EMPTY, _SINGLE = 15, 1, 4
_PREAMBLE = struct.Struct("<BBBBHBB")  # preamble ints, serial version, family, flags, k, m, unused
_FULL = struct.Struct("<QHBB")  # n, min k, levels, unused
_NUMBER, _LEAST, _MOST_LEVELS = 8, 8, 60  # bytes; room of the smallest level (DEFAULT_M)


def is_kll(sketch: bytes) -> bool:
    """Whether the bytes are one whole sketch: lengths, levels and counts agree.

    >>> is_kll(b""), is_kll(b"AAAA")
    (False, False)
    """
    if len(sketch) < _PREAMBLE.size:
        return False
    preamble, version, family, flags, k, m, _ = _PREAMBLE.unpack_from(sketch)
    if family != _FAMILY or m != _LEAST or k < m:
        return False
    if flags & _EMPTY:
        return (preamble, version) == (2, 1)
    if flags & _SINGLE:
        return (preamble, version) == (2, 2) and len(sketch) == _PREAMBLE.size + _NUMBER
    return (preamble, version) == (5, 1) and _is_full(sketch, k, m)


def _is_full(sketch: bytes, k: int, m: int) -> bool:
    place = _PREAMBLE.size + _FULL.size
    if len(sketch) < place:
        return False
    n, _, levels, _ = _FULL.unpack_from(sketch, _PREAMBLE.size)
    begins_at = place + 4 * levels
    if not 1 <= levels <= _MOST_LEVELS or len(sketch) < begins_at:
        return False
    room = sum(_capacity(k, m, levels - height - 1) for height in range(levels))
    starts = [*struct.unpack_from(f"<{levels}I", sketch, place), room]
    kept = [after - before for before, after in pairwise(starts)]
    counted: int = sum(size << height for height, size in enumerate(kept))
    return bool(min(kept) >= 0 and counted == n and len(sketch) == begins_at + _NUMBER * (2 + sum(kept)))


def _capacity(k: int, m: int, depth: int) -> int:
    """Most numbers of a level `depth` below the top: k shrunk by 2/3 for each, at least m (kll_helper::level_capacity)."""
    halves = 1 if depth <= 30 else 2
    capacity = k
    for part in range(halves):
        steps = depth if halves == 1 else (depth // 2 if part == 0 else depth - depth // 2)
        capacity = (((capacity << 1) << steps) // 3**steps + 1) >> 1
    return max(m, capacity)
