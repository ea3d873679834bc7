"""One series: a model version in a deployment, and what the drift job remembers of it between records.

The memory is one JSON text whose size depends on the features, never on the events or the days.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streaming.drift.rejection_window import Rejections
from streaming.drift.scope import Scope
from streaming.errors import SkewedPlan
from streaming.metrics.estimate_records import Calibration
from streaming.metrics.records import Metrics, Record, Reference

SERIES_VERSION = 1
QUERIES_REMEMBERED = 16  # a query id is new only when a checkpoint is; the oldest gives way


class Key(NamedTuple):
    """What a series is known by. Without a model it is that of a deployment's rejections."""

    deployment: str
    model: str
    model_version: str


class Last(msgspec.Struct):
    """The last batch of one query, and its chunks that came. Batch ids ascend, so what is below is a repeat."""

    batch_id: int
    chunks: list[int]


class Series(Scope):
    """State of a series: what is remembered of all its events, of its slices, and which records it has seen."""

    reference: Reference | None = None
    seen: dict[str, Last] = msgspec.field(default_factory=dict)
    version: int = SERIES_VERSION
    rejections: Rejections | None = None
    slices: dict[str, Scope] = msgspec.field(default_factory=dict)
    """by "column=value"; only those that the reference names"""
    calibration: Calibration | None = None


def encode(series: Series) -> str:
    """A series as JSON text."""
    return msgspec.json.encode(series).decode()


def decode(text: str) -> Series:
    """A series from its JSON text. Raises SkewedPlan if this release cannot read it: start with the release that wrote it."""
    try:
        series = msgspec.json.decode(text, type=Series)
    except msgspec.MsgspecError as error:
        raise SkewedPlan(f"a drift state cannot be read: {error}; start with the release that wrote it") from None
    if series.version != SERIES_VERSION:
        raise SkewedPlan(f"a drift state of version {series.version}; this release reads version {SERIES_VERSION}")
    return series


def is_repeat(series: Series, record: Metrics) -> bool:
    """Whether a record came before; if not, it is remembered. Records of one query must come in their topic's order."""
    last = series.seen.get(record.query_id)
    if last is not None and (record.batch_id < last.batch_id or (record.batch_id == last.batch_id and record.chunk in last.chunks)):
        return True
    if last is not None and record.batch_id == last.batch_id:
        last.chunks.append(record.chunk)
        return False
    series.seen.pop(record.query_id, None)
    series.seen[record.query_id] = Last(record.batch_id, [record.chunk])
    if len(series.seen) > QUERIES_REMEMBERED:
        del series.seen[next(iter(series.seen))]
    return False


def by_series(record: Record | None) -> dict[Key, Reference | Calibration | Metrics]:
    """What a record on the metrics topic tells each series; a metrics record is cut to the series' own groups,
    and without any it tells of the deployment's rejections.

    Drift records and estimates, which the drift job itself puts on the topic, and what this release does not know tell nothing.
    """
    if isinstance(record, Reference | Calibration):
        return {Key(record.deployment, record.model, record.model_version): record}
    if not isinstance(record, Metrics):
        return {}
    keys = dict.fromkeys(Key(record.deployment, group.model, group.model_version) for group in record.groups if group.scored)
    told: dict[Key, Reference | Calibration | Metrics] = {key: _cut(record, key) for key in keys}
    told[Key(record.deployment, "", "")] = msgspec.structs.replace(record, groups=[])
    return told


def _cut(record: Metrics, key: Key) -> Metrics:
    groups = [group for group in record.groups if group.scored and (group.model, group.model_version) == key[1:]]
    return msgspec.structs.replace(record, groups=groups)
