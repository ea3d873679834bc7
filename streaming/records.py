"""Records of ours as Arrow types: what a batch of raw events, rejections and predictions looks like.

Times are timestamps in microseconds, UTC. An *address* is (source_topic, source_partition, source_offset).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
HEADER = pa.struct([("key", pa.string()), ("value", pa.binary())])

# A raw event as Kafka hands it over; `received_at` is the message's own time (CreateTime: set by the producer).
RAW = pa.schema(
    [
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.list_(HEADER)),
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("received_at", INSTANT),
    ]
)

# Why an event was rejected. `reason` is the rule that was broken (closed set: JSON Schema keywords and the names in
# streaming.contracts.reasons), `path` a JSON Pointer, `message` one line, `value_found` the value that broke it as short JSON,
# empty for none.
REASON = pa.schema(
    [
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("path", pa.string()),
        ("message", pa.string()),
        ("value_found", pa.string()),
        ("schema_version", pa.int32()),
    ]
)
REJECTED = pa.schema([*RAW, *REASON])

# Columns that `validate` puts before the event's own fields; an event's field `tenure` is the column `event.tenure`.
EVENT_PREFIX = "event."
ENVELOPE = pa.schema(
    [
        *RAW,
        ("payload_digest", pa.string()),  # sha256 of the value, hex
        ("schema_version", pa.int32()),
        ("event_id", pa.string()),
        ("entity_id", pa.string()),
        ("event_time", INSTANT),
    ]
)

# Columns that `score` adds.
SCORED = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("deployment", pa.string()),
        ("role", pa.string()),
        ("variant", pa.string()),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("score", pa.float64()),
        ("predicted_class", pa.string()),
        ("scored_at", INSTANT),
        ("plan_id", pa.string()),
    ]
)

# One row of the table `prediction`; `scores` (many classes) and `explanation` are JSON texts, null where not asked for.
PREDICTION = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_id", pa.string()),
        ("entity_id", pa.string()),
        ("deployment", pa.string()),
        ("role", pa.string()),
        ("variant", pa.string()),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("schema_version", pa.int32()),
        ("score", pa.float64()),
        ("scores", pa.string()),
        ("predicted_class", pa.string()),
        ("explanation", pa.string()),
        ("event_time", INSTANT),
        ("received_at", INSTANT),
        ("scored_at", INSTANT),
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("payload_digest", pa.string()),
        ("plan_id", pa.string()),
    ]
)


def rfc3339(moment: datetime) -> str:
    """A time of ours as text: UTC, microseconds, Z.

    >>> rfc3339(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000Z'
    """
    # Not strftime: on Linux its %Y writes the year 1 as "1".
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def event_column(field: str) -> str:
    """Name of the column that holds a field of the event."""
    return EVENT_PREFIX + field
