"""The records on the metrics topic and the alerts topic. Their JSON Schemas lie in schemas/<record>/v<N>.json.

A consumer drops an id that it has seen before it merges: the same record may come twice (see design law 7).
Times are RFC 3339 texts, UTC, microseconds. Every record has `record` (its kind) and `version`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.sketches import Bins, Histogram, LatencySketch


class Reference(msgspec.Struct, frozen=True, tag="reference", tag_field="record"):
    """Frozen bins and training counts of one exact model version; published when the version enters the plan."""

    id: str
    at: str
    deployment: str
    model: str
    model_version: str
    model_sha256: str
    bins: dict[str, Bins]
    """by feature"""
    counts: dict[str, Histogram]
    """by feature, over the training rows"""
    score_bins: Bins
    score_counts: Histogram
    trained_at: str
    thresholds: dict[str, float] = {}
    """by feature, where the schema's x-drift names one; the others have the drift job's"""
    version: int = 2


class Group(msgspec.Struct, frozen=True):
    """What one variant did in a batch."""

    variant: str
    role: str
    model: str
    model_version: str
    model_sha256: str
    schema_version: int
    scored: int
    features: dict[str, Histogram]
    score: Histogram
    score_sum: float
    score_sum_squares: float


class Metrics(msgspec.Struct, frozen=True, tag="metrics", tag_field="record"):
    """One micro-batch of the scoring job. `id` is query id / batch id / chunk."""

    id: str
    at: str
    """when the batch ended"""
    now: str
    """the plan's time: what windows are cut by"""
    deployment: str
    stream: str
    query_id: str
    batch_id: int
    chunk: int
    chunks: int
    plan_id: str
    offsets: dict[str, dict[str, list[int]]]
    """topic → partition → [first, after the last]"""
    events: int
    scored: int
    repeated: int
    rejected: int
    rejected_by_reason: dict[str, int]
    groups: list[Group]
    latency_ms: LatencySketch
    """producer's timestamp → row readable in the store"""
    parts_ms: dict[str, float]
    """plan, job, and inside it decode, validate, score, observe, store, rejects, scoring_log (summed over tasks)"""
    duration_ms: float
    events_per_s: float
    waited_s: float = 0.0
    """time spent waiting for a sink that was away"""
    rejected_by_producer: dict[str, int] = {}
    """by the event's header `producer`: the 20 with the most, the rest as "other"; "unknown" without the header"""
    rejected_by_schema_version: dict[str, int] = {}
    """likewise bounded; "unknown" where none could be told"""
    replayed: dict[str, int] = {}
    """events of the replay topic by outcome (scored, repeated, rejected); they are in the counts above too"""
    version: int = 2


class FeatureDrift(msgspec.Struct, frozen=True):
    """One feature (or the score) in one window."""

    measure: str
    value: float
    threshold: float
    drifted: bool
    since: str | None
    """start of the first window of the present run of drifted windows; one window within the threshold does not end a run"""
    current: Histogram


class Drift(msgspec.Struct, frozen=True, tag="drift", tag_field="record"):
    """The verdict of the drift job on one closed window of one model version; on the metrics topic."""

    id: str
    at: str
    deployment: str
    model: str
    model_version: str
    window_start: str
    window_end: str
    events: int
    features: dict[str, FeatureDrift]
    score: FeatureDrift
    version: int = 1


class Alert(msgspec.Struct, frozen=True, tag="alert", tag_field="record"):
    """Something a person should look at; on the alerts topic. Raised once when a feature drifts, resolved once after.

    Resolved: within the threshold for two windows in a row; `value` and `window_*` are those of the last one.
    """

    id: str
    at: str
    state: Literal["raised", "resolved"]
    kind: Literal["input_drift", "output_drift", "rejection_rate", "new_reason"]
    """the last two since version 2, about a deployment: without a model"""
    deployment: str
    model: str
    model_version: str
    feature: str
    """the feature's name, or "score"; the reason that is new, or "rejected" """
    measure: str
    value: float
    threshold: float
    since: str
    window_start: str
    window_end: str
    events: int
    message: str
    version: int = 1


class Gap(msgspec.Struct, frozen=True, tag="gap", tag_field="record"):
    """Offsets of one topic that were gone before a batch read them; on the metrics topic. Spans of two records may overlap: unite them."""

    id: str
    at: str
    deployment: str
    query_id: str
    batch_id: int
    """the first batch that goes on behind it"""
    topic: str
    cause: Literal["deleted", "recreated", "truncated"]
    """deleted: by retention, or by hand; recreated: the topic was made again; truncated: the end of the log was cut"""
    lost: dict[str, list[int | None]]
    """partition → [first, after the last; null where nobody can know it]"""
    resumed: dict[str, int]
    """partition → the first offset read after it; a partition that is no more is left out"""
    events: int | None
    """offsets lost in all, null where nobody can know it; markers of transactions are counted as events"""
    version: int = 1


Record = Reference | Metrics | Drift | Alert | Gap | Calibration | Estimate
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_VERSIONS = {"metrics": (1, 2), "reference": (1, 2), "drift": (1,), "alert": (1, 2), "gap": (1,), "calibration": (1,), "estimate": (1,)}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Claim(msgspec.Struct):
    """What a message says that it is."""

    record: str
    version: int = 1


def encode(record: Record) -> bytes:
    """A record as the bytes that go on the topic."""
    return msgspec.json.encode(record)


def decode(value: bytes) -> Record | None:
    """The record in a message, or None where the message holds none that this release knows."""
    try:
        record = _DECODER.decode(value)
    except _UNREADABLE:
        return None
    return record if record.version in _VERSIONS[type(record).__name__.lower()] else None


def fault_of(value: bytes) -> str | None:
    """Why `decode` finds no record in a message, in one line; None if it is of a kind or version that this release does not know.

    >>> fault_of(b'{"record": "metrics", "version": 1}')
    'Object missing required field `id`'
    >>> fault_of(b'{"record": "metrics", "version": 3}'), fault_of(b'{"record": "quality"}')
    (None, None)
    """
    try:
        claim = msgspec.json.decode(value, type=_Claim)
        if claim.version in _VERSIONS.get(claim.record, ()):
            _DECODER.decode(value)
    except _UNREADABLE as error:
        return str(error)[:200]
    return None
