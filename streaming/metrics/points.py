"""What each kind of record says of which series. Read from the record's fields by name, so that a later version's extra ones do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from streaming.metrics.series import Said, Series, Sum, Value, from_base64, one

Fields = Mapping[str, Any]
MOST_FIGURES = 5_000
"""Figures taken from one record: a record that says more is cut, so that no producer makes series without end."""
_TEXT = 120


class Points(NamedTuple):
    """What one record says: sums that add to what others said, and single values."""

    said: list[Said]
    values: list[Value]


def points(record: Fields) -> Points:
    """The series of a record of a kind and version that this release knows, as its JSON fields. Nothing for a kind without figures.

    Raises KeyError, TypeError, AttributeError, ValueError or OverflowError for fields that are not as the kind has them.
    """
    kind = record["record"]
    moment(record["at"])
    if kind == "metrics":
        return Points(list(_batch(record)), [])
    values = _VALUES.get(kind, _window)(record)
    return Points([], [value for value, _ in zip(values, range(MOST_FIGURES), strict=False)])


def _batch(record: Fields) -> Iterator[Said]:
    """The technical figures of a micro-batch, and the scores of each version in it."""
    at = moment(record["now"])
    deployment = record["deployment"]

    def said(name: str, value: float, label: str = "") -> Said:
        return Said(Series(deployment, name, label=label[:_TEXT]), at, one(float(value), at))

    for name in ("events", "scored", "repeated", "rejected"):
        yield said(name, record[name])
    for name, field in _SPLIT.items():
        for label, count in record.get(field, {}).items():
            yield said(name, count, label)
    yield said("batch.duration_ms", record["duration_ms"])
    yield said("batch.waited_s", record.get("waited_s", 0.0))
    if latency := record["latency_ms"]:
        yield Said(Series(deployment, "latency_ms"), at, Sum(sum(latency.values()), 0.0, 0.0, bins=latency))
    for group in record["groups"]:
        yield from _scores(group, deployment, at)


_SPLIT = {
    "rejected.by_reason": "rejected_by_reason",
    "rejected.by_producer": "rejected_by_producer",
    "rejected.by_schema_version": "rejected_by_schema_version",
    "replayed": "replayed",
    "batch.part_ms": "parts_ms",
}
"""Series → the field of the metrics record whose keys are its labels"""


def _scores(group: Fields, deployment: str, at: datetime) -> Iterator[Said]:
    def series(name: str) -> Series:
        return Series(deployment, name, group["model"], group["model_version"], group["role"])

    histogram = group["score"]
    bins = {str(place): count for place, count in enumerate(histogram["counts"]) if count}
    bins |= {name: histogram[name] for name in ("missing", "unseen") if histogram.get(name)}
    kll = from_base64(group.get("score_quantiles", ""))
    scored = group["scored"]
    yield Said(series("model.scored"), at, one(float(scored), at))
    if scored:
        yield Said(series("score"), at, Sum(scored, group["score_sum"], group["score_sum_squares"], bins=bins, kll=kll))


def _tracked(record: Fields) -> Iterator[Value]:
    """The numbers of an aggregate; what is attached to a single prediction is no series."""
    if record["call"] == "aggregate":
        for name, value in record["metrics"].items():
            if _is_number(value):
                yield _value(record, f"tracked.{name}"[:_TEXT], "", {"value": value}, "start", "end")


def _drift(record: Fields) -> Iterator[Value]:
    """The measure that decides for each feature and the score, and, where there are more, each measure against each other window."""
    part = record.get("slice") or ""
    for feature, measured in {**record["features"], "score": record["score"]}.items():
        label = f"{part}/{feature}" if part else feature
        yield _value(record, f"drift.{measured['measure']}", label, measured)
        for against, measures in measured.get("measures", {}).items():
            for measure, found in measures.items():
                yield _value(record, f"drift.{measure}.{against}", label, found)


def _window(record: Fields) -> Iterator[Value]:
    """A record of any kind about a window: each table with a number under `value` is a figure, each number beside them one too."""
    if not ("window_start" in record and "window_end" in record and "deployment" in record):
        return
    label = str(record.get("slice") or record.get("label") or "")
    for path, figure in _figures(record, (record["record"],)):
        yield _value(record, ".".join(path)[:_TEXT], label, figure)


def _figures(table: Fields, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Fields]]:
    for name, found in table.items():
        here = path if name in _PLAIN else (*path, name)
        if isinstance(found, dict) and _is_number(found.get("value")):
            yield here, found
            if _is_number(found.get("error")):
                yield (*here, "error"), {"value": found["error"]}
        elif isinstance(found, dict):
            yield from _figures(found, here)
        elif _is_number(found) and not isinstance(found, bool) and name not in ("version", "revision"):
            yield here, {"value": found}


_PLAIN = ("figures",)  # a table's name that says nothing
_VALUES: dict[str, Callable[[Fields], Iterator[Value]]] = {"tracked": _tracked, "drift": _drift, "alert": lambda _: iter(())}


def _value(record: Fields, name: str, label: str, found: Fields, start: str = "window_start", end: str = "window_end") -> Value:
    series = Series(record["deployment"], name, record.get("model") or "", record.get("model_version") or "", label[:_TEXT])
    low, high = (float(found[side]) if _is_number(found.get(side)) else None for side in ("low", "high"))
    n = found.get("n", record.get("events", record.get("n")))
    at, began = moment(record[end]), moment(record[start])
    return Value(series, at, began, float(found["value"]), low, high, int(n) if _is_number(n) else None, record["at"])


def moment(text: str) -> datetime:
    """A record's time. Raises ValueError for a text that is none, or has no zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def _is_number(found: object) -> bool:
    return isinstance(found, int | float)
