"""The records on the metrics topic and the alerts topic. Their JSON Schemas lie in schemas/<record>/v<N>.json.

A consumer drops an id that it has seen before it merges: the same record may come twice (see design law 7).
Times are RFC 3339 texts, UTC, microseconds. Every record has `record` (its kind) and `version`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from streaming.metrics.alert_records import Acknowledgement, Alert, Silence
from streaming.metrics.drift_records import Against, Drift, FeatureDrift, Measured
from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.quality_record import Quality
from streaming.metrics.sketches import Bins, Histogram, LatencySketch

__all__ = [
    "Acknowledgement", "Against", "Alert", "Calibration", "Drift", "Estimate", "FeatureDrift", "Gap", "Group", "Measured", "Metrics",
    "Quality", "Record", "Reference", "Silence", "SliceCounts", "Tracked", "decode", "encode", "fault_of",
]  # fmt: skip


class SliceCounts(msgspec.Struct, frozen=True):
    """Counts of one slice, over the same bins as the whole's. scored: its rows."""

    scored: int
    features: dict[str, Histogram]
    score: Histogram


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
    quantiles: dict[str, bytes] = {}
    """by numeric feature: KLL sketch of the training rows; without those of models that were trained before there were any"""
    score_quantiles: bytes = b""
    importance: dict[str, float] = {}
    """by feature: what the model's quality loses without it, as a share of all that; empty where nobody measured it"""
    owner: str = ""
    """who answers for the event, as its contract says"""
    owners: dict[str, str] = {}
    """by feature, where the contract names another"""
    slices: dict[str, SliceCounts] = {}
    """by "column=value", over the training rows of that value"""
    version: int = 3


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
    quantiles: dict[str, bytes] = {}
    """by numeric feature: KLL sketch (k = 200, doubles) in the format of Apache DataSketches, base64 in JSON"""
    score_quantiles: bytes = b""
    slices: dict[str, SliceCounts] = {}
    """by "column=value", of the columns that training was told to slice by"""


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
    version: int = 3


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


class Tracked(msgspec.Struct, frozen=True, tag="tracked", tag_field="record"):
    """One call of the metrics SDK: what is said of a prediction, or of a span of time; on the metrics topic.

    `id` comes from the caller's key, where one is given: the same key is the same record, and the first one stands.
    """

    id: str
    at: str
    """when the call was made: of two values of one name for one prediction the later stands"""
    call: Literal["prediction", "delayed", "aggregate"]
    deployment: str
    metrics: dict[str, Any]
    """name → any JSON value"""
    model: str = ""
    model_version: str = ""
    prediction_id: str = ""
    """empty for an aggregate"""
    start: str | None = None
    """an aggregate is about start <= time < end"""
    end: str | None = None
    version: int = 1


Record = Reference | Metrics | Drift | Alert | Silence | Acknowledgement | Gap | Quality | Tracked | Calibration | Estimate
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_VERSIONS = {
    "metrics": (1, 2, 3),
    "reference": (1, 2, 3),
    "drift": (1, 2),
    "alert": (1, 2, 3),
    "silence": (1,),
    "acknowledgement": (1,),
    "gap": (1,),
    "quality": (1,),
    "tracked": (1,),
    "calibration": (1,),
    "estimate": (1,),
}
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
    >>> fault_of(b'{"record": "metrics", "version": 4}'), fault_of(b'{"record": "weather"}')
    (None, None)
    """
    try:
        claim = msgspec.json.decode(value, type=_Claim)
        if claim.version in _VERSIONS.get(claim.record, ()):
            _DECODER.decode(value)
    except _UNREADABLE as error:
        return str(error)[:200]
    return None
