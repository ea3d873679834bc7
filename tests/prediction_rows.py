"""Rows of the type PREDICTION for the tests of sinks."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from streaming.records import PREDICTION

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def row(event: str, *, entity: str = "c1", seconds: int = 0, body: str = "body", offset: int = 0, **changes: Any) -> dict[str, Any]:
    """One prediction: `event` names the key, `body` stands for the bytes, `seconds` after noon is its event time."""
    at = NOON + timedelta(seconds=seconds)
    usual = {
        "prediction_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event}{at}")),
        "event_id": event,
        "entity_id": entity,
        "deployment": "risk",
        "role": "champion",
        "variant": "champion",
        "model_name": "m",
        "model_version": "1",
        "schema_version": 1,
        "score": 0.25,
        "scores": None,
        "predicted_class": "No",
        "explanation": None,
        "event_time": at,
        "received_at": at,
        "scored_at": at,
        "source_topic": "t",
        "source_partition": 0,
        "source_offset": offset,
        "payload_digest": hashlib.sha256(body.encode()).hexdigest(),
        "plan_id": "q/0",
    }
    return usual | changes


def rows(*entries: dict[str, Any]) -> pa.RecordBatch:
    """Entries as a record batch."""
    return pa.RecordBatch.from_pylist(list(entries), schema=PREDICTION)
