"""Time series out of the metric store, at the level that is fine enough: a year comes from days, a day from minutes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import psycopg

from streaming.metrics import kll
from streaming.metrics.series import LEVELS, Level
from streaming.metrics.sketches import latency_quantile
from streaming.sinks.connection import connect, judged, time_limits

Asked = Literal["auto", "minute", "hour", "day"]
_LONGEST = {"minute": timedelta(days=1), "hour": timedelta(days=45)}
"""Longest time that `auto` reads at a level: some thousand points a series"""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LATENCY = "latency_ms"


class Question(NamedTuple):
    """Which series, and of when: start <= time < end (aware). name may end in * ; None stands for all."""

    name: str
    start: datetime
    end: datetime
    deployment: str | None = None
    model: str | None = None
    version: str | None = None
    label: str | None = None
    level: Asked = "auto"


class Point(NamedTuple):
    """A series in one span. mean, least, most, latest: of its n values, as far as they are known; low, high: of a single value's interval.

    p50, p95, p99: from the sketch of the span, None without one.
    """

    deployment: str
    name: str
    model: str
    version: str
    label: str
    at: datetime
    n: int
    total: float
    mean: float | None
    deviation: float | None
    least: float | None
    most: float | None
    latest: float | None
    low: float | None
    high: float | None
    p50: float | None
    p95: float | None
    p99: float | None


def level_of(question: Question, minute_days: int, now: datetime) -> Level:
    """The level to read: the one asked for, or the finest that has the whole time and gives some thousand points at most.

    minute_days: how long minutes are kept; now: aware.
    """
    if question.level != "auto":
        return question.level
    span = question.end - question.start
    if span <= _LONGEST["minute"] and question.start >= now - timedelta(minute_days):
        return "minute"
    return "hour" if span <= _LONGEST["hour"] else "day"


_COLUMNS = "s.deployment, s.name, s.model, s.model_version, s.label"
_SERIES = """
    SELECT * FROM metric_series WHERE name LIKE %(name)s AND (%(deployment)s::text IS NULL OR deployment = %(deployment)s)
      AND (%(model)s::text IS NULL OR model = %(model)s) AND (%(version)s::text IS NULL OR model_version = %(version)s)
      AND (%(label)s::text IS NULL OR label = %(label)s)"""


def statement(level: Level) -> str:
    """The query of a level. Single values stand in the finest for themselves."""
    rolled = f"""
        SELECT {_COLUMNS}, m.at, m.n, m.total, m.squares, m.least, m.most, m.latest, NULL::float8, NULL::float8, m.bins, m.kll
        FROM s JOIN metric_{level} m USING (series_id) WHERE m.at >= %(start)s AND m.at < %(end)s"""  # noqa: S608 (names of ours)
    single = f"""
        UNION ALL
        SELECT {_COLUMNS}, v.at, 1, v.value, v.value * v.value, v.value, v.value, v.value, v.low, v.high, NULL, NULL
        FROM s JOIN metric_value v USING (series_id) WHERE v.at >= %(start)s AND v.at < %(end)s"""  # noqa: S608
    return f"WITH s AS ({_SERIES}) {rolled}{single if level == LEVELS[0] else ''} ORDER BY 1, 2, 3, 4, 5, at"


def query(dsn: str, question: Question, level: Level, *, statement_timeout_s: float = 60) -> Iterator[Point]:
    """The points of a question in the order of series and time, read as they are taken. Raises Unavailable, StoreError."""
    words = question._asdict() | {"name": _like(question.name)}
    try:
        with connect(dsn, time_limits(statement_timeout_s)) as connection, connection.cursor("points") as cursor:
            cursor.itersize = 5_000
            for row in cursor.execute(statement(level).encode(), words):
                yield _point(row)
    except psycopg.Error as error:
        raise judged(error, "a look at metrics") from None


def _like(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.removesuffix("*") + "%" if name.endswith("*") else escaped


def _point(row: tuple[Any, ...]) -> Point:
    *series, at, n, total, squares, least, most, latest, low, high, bins, sketch = row
    known = latest is not None or squares or total
    mean = total / n if n and known else None
    deviation = math.sqrt(max(0.0, squares / n - (total / n) ** 2)) if n and known else None
    return Point._make([*series, at, n, total, mean, deviation, least, most, latest, low, high, *_quantiles(series[1], bins, sketch)])


def _quantiles(name: str, bins: dict[str, int] | None, sketch: bytes | None) -> list[float | None]:
    if sketch is not None:
        found = kll.points(sketch)
        return [kll.quantile(found, share) for share in QUANTILES.values()]
    if name == LATENCY and bins:
        return [latency_quantile(bins, share) for share in QUANTILES.values()]
    return [None] * len(QUANTILES)
