"""What a record on the metrics topic tells which series."""

from __future__ import annotations

import msgspec

from streaming.drift.series import Key, by_series
from streaming.metrics.records import Alert, Group, Metrics, decode
from streaming.metrics.sketches import Histogram


def group(variant: str, version: str, scored: int = 4) -> Group:
    """A group without features."""
    return Group(variant, "shadow", "churn", version, "s", 1, scored, {}, Histogram([scored]), 0.0, 0.0)


def record(groups: list[Group]) -> Metrics:
    """A metrics record with these groups."""
    empty: dict[str, dict[str, int]] = {"offsets": {}, "rejected_by_reason": {}, "latency_ms": {}, "parts_ms": {}}
    numbers = dict.fromkeys(["batch_id", "chunk", "chunks", "events", "scored", "repeated", "rejected", "duration_ms", "events_per_s"], 1)
    texts = dict.fromkeys(["id", "at", "now", "stream", "query_id", "plan_id"], "x")
    return msgspec.convert({"record": "metrics", "deployment": "d", "groups": groups, **empty, **numbers, **texts}, Metrics)


def test_each_series_gets_its_own_groups() -> None:
    told = by_series(record([group("champion", "1"), group("shadow", "2"), group("canary", "1"), group("idle", "9", scored=0)]))
    variants = {key: [g.variant for g in part.groups] for key, part in told.items() if isinstance(part, Metrics)}
    assert variants == {Key("d", "churn", "1"): ["champion", "canary"], Key("d", "churn", "2"): ["shadow"]}


def test_alerts_and_unknown_records_tell_nothing() -> None:
    alert = {"record": "alert", "state": "raised", "kind": "input_drift", "value": 1, "threshold": 1, "events": 1}
    texts = dict.fromkeys(set(Alert.__struct_fields__) - {*alert, "version"}, "x")
    known = decode(msgspec.json.encode({**alert, **texts}))
    assert isinstance(known, Alert)
    assert by_series(known) == {}
    assert by_series(decode(b'{"record": "quality", "version": 1}')) == {}
    assert by_series(decode(b"\xff not json")) == {}
