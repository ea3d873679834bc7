"""Time series of metrics: what they are called, what is said of them at a time, and how that adds up over minutes, hours and days."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from streaming.metrics import kll
from streaming.metrics.sketches import merge_latencies

Level = Literal["minute", "hour", "day"]
LEVELS: tuple[Level, ...] = ("minute", "hour", "day")


class Series(NamedTuple):
    """One figure of one model, or of a deployment where model is empty. label: what it is split by, such as a reason or a feature."""

    deployment: str
    name: str
    model: str = ""
    version: str = ""
    label: str = ""


class Sum(NamedTuple):
    """What was said of a series in a span of time, as numbers that add up. bins: counts by bin; kll: a sketch, see kll.py.

    least, most and latest are None where only the sum of the values is known. latest_at: microseconds since 1970.
    """

    n: int
    total: float
    squares: float
    least: float | None = None
    most: float | None = None
    latest: float | None = None
    latest_at: int | None = None
    bins: dict[str, int] | None = None
    kll: bytes | None = None


class Said(NamedTuple):
    """A sum at a time (aware)."""

    series: Series
    at: datetime
    what: Sum


class Value(NamedTuple):
    """One value about began_at <= time < at, both aware. recorded_at: RFC 3339; of two for one span the newer stands."""

    series: Series
    at: datetime
    began_at: datetime
    value: float
    low: float | None
    high: float | None
    n: int | None
    recorded_at: str


def one(value: float, at: datetime) -> Sum:
    """A single value as a sum."""
    return Sum(1, value, value * value, value, value, value, int(at.timestamp() * 1_000_000))


def added(a: Sum, b: Sum) -> Sum:
    """Both together; the order does not matter, but for the last bits of floating-point sums and within a sketch's error.

    >>> added(Sum(1, 2.0, 4.0, 2.0, 2.0), Sum(2, 4.0, 10.0, 1.0, 3.0)).least
    1.0
    """
    later = max(a, b, key=lambda part: (part.latest_at or 0, part.latest or 0.0))
    return Sum(
        a.n + b.n,
        a.total + b.total,
        a.squares + b.squares,
        min((v for v in (a.least, b.least) if v is not None), default=None),
        max((v for v in (a.most, b.most) if v is not None), default=None),
        later.latest,
        later.latest_at,
        a.bins if b.bins is None else b.bins if a.bins is None else merge_latencies([a.bins, b.bins]),
        a.kll if b.kll is None else b.kll if a.kll is None else kll.merge([a.kll, b.kll]),
    )


def from_base64(text: str) -> bytes | None:
    """A sketch as a record has it; None for an empty text, and for one that holds no sketch."""
    try:
        sketch = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return None if kll.fault(sketch) else sketch


def begins(at: datetime, level: Level) -> datetime:
    """When the minute, hour or day (UTC) of a time begins.

    >>> begins(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), "hour").isoformat()
    '2026-03-04T05:00:00+00:00'
    """
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    if level == "minute":
        return whole
    return whole.replace(minute=0) if level == "hour" else whole.replace(hour=0, minute=0)


def rolled(said: Iterable[Said], level: Level) -> dict[tuple[Series, datetime], Sum]:
    """Sums by series and span of a level."""
    sums: dict[tuple[Series, datetime], Sum] = {}
    for series, at, what in said:
        key = (series, begins(at, level))
        sums[key] = added(sums[key], what) if key in sums else what
    return sums
