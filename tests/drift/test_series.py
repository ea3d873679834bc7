"""What a record on the metrics topic tells which series."""

from __future__ import annotations

import msgspec
from drift_records import group, metrics

from streaming.drift.series import Key, by_series
from streaming.metrics.records import Alert, Metrics, decode


def test_each_series_gets_its_own_groups() -> None:
    names = {"champion": "1", "shadow": "2", "canary": "1"}
    groups = [group(variant=variant, model_version=version) for variant, version in names.items()]
    told = by_series(metrics(0, [*groups, group(variant="idle", model_version="9", scored=0)]))
    assert told.pop(Key("churn_risk", "", "")) == metrics(0, [], events=3 * 100, scored=3 * 100)
    variants = {key: [g.variant for g in part.groups] for key, part in told.items() if isinstance(part, Metrics)}
    assert variants == {Key("churn_risk", "churn", "1"): ["champion", "canary"], Key("churn_risk", "churn", "2"): ["shadow"]}


def test_alerts_and_unknown_records_tell_nothing() -> None:
    alert = {"record": "alert", "state": "raised", "kind": "input_drift", "value": 1, "threshold": 1, "events": 1}
    texts = {field.name: "x" for field in msgspec.structs.fields(Alert) if field.required and field.name not in alert}
    known = decode(msgspec.json.encode({**alert, **texts}))
    assert isinstance(known, Alert)
    assert by_series(known) == {}
    assert by_series(decode(b'{"record": "weather", "version": 1}')) == {}
    assert by_series(decode(b"\xff not json")) == {}
