"""The lowest and the highest number with all their digits: a double rounds whole numbers beyond 2^53."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from streaming.contracts.statistics.moments import Moments

INT64 = (-(2**63), 2**63 - 1)


class Whole(msgspec.Struct, frozen=True):
    """Whole numbers within 64 bits. low, high: None where there are none; beyond: how many finite numbers lie outside of 64 bits."""

    low: int | None = None
    high: int | None = None
    beyond: int = 0


def whole_of(integers: pa.Array, numbers: pa.Array) -> Whole:
    """Extremes of a column. integers: int64, null where a number is none or was rounded; numbers: float64, the same rows.

    >>> whole_of(pa.array([9007199254740993, None]), pa.array([9007199254740992.0, 1e300]))
    Whole(low=9007199254740993, high=9007199254740993, beyond=1)
    """
    rounded = pc.and_(pc.is_null(integers), pc.fill_null(pc.and_(pc.is_finite(numbers), pc.equal(numbers, pc.floor(numbers))), False))
    floats = numbers.filter(rounded)
    fitting = pc.less(pc.abs(floats), float(2**63))
    ends = [pc.min_max(integers).as_py(), pc.min_max(floats.filter(fitting)).as_py()]
    found = [reading for end in ends for number in (end["min"], end["max"]) for reading in _readings(number)]
    return merge_whole([*found, Whole(beyond=len(floats) - int(pc.sum(fitting).as_py() or 0))])


def _readings(number: float | None) -> list[Whole]:
    """A large double as its digits and as its bits: who reads 5.908666528599811e+16 takes it to end in 110 or in 112."""
    return [] if number is None else [Whole(value, value) for value in (int(number), int(Decimal(repr(number))))]


def merge_whole(parts: Iterable[Whole]) -> Whole:
    """Extremes over all parts.

    >>> merge_whole([Whole(1, 2), Whole(), Whole(-5, -5, 1)])
    Whole(low=-5, high=2, beyond=1)
    """
    every = list(parts)
    lows, highs = [part.low for part in every if part.low is not None], [part.high for part in every if part.high is not None]
    return Whole(min(lows, default=None), max(highs, default=None), sum(part.beyond for part in every))


def extremes(moments: Moments, whole: Whole) -> tuple[float, float] | None:
    """Lowest and highest number, an int with all its digits where it is whole and within 64 bits; None where there is none.

    >>> extremes(Moments(2, 0.0, 0.0, 0.5, 9007199254740992.0), Whole(9007199254740993, 9007199254740993))
    (0.5, 9007199254740993)
    """
    if moments.low is None or moments.high is None:
        return None
    return _exact(moments.low, whole.low, whole.beyond), _exact(moments.high, whole.high, whole.beyond)


def _exact(rounded: float, whole: int | None, beyond: int) -> float:
    """The whole number that was rounded to the extreme, unless the extreme is another one."""
    if whole is None or float(whole) != rounded or (beyond and abs(rounded) >= INT64[1]):
        return rounded
    return whole
