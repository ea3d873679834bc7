"""What is said to the SDK, as records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming.errors import ConfigError, InvalidEvent
from streaming.metrics.records import decode, encode
from streaming.metrics.tracking import Subject, instant, pairs, plain, tracked_record

ABOUT = Subject("churn_risk", prediction_id="p-1")


def test_a_record_survives_its_bytes() -> None:
    record = tracked_record("delayed", {"truth": True, "note": "ü", "parts": [1, {"a": None}]}, ABOUT, None, 1767225600.5)
    assert decode(encode(record)) == record
    assert (record.at, record.version) == ("2026-01-01T00:00:00.500000Z", 1)


def test_the_same_key_is_the_same_record_and_no_key_a_new_one() -> None:
    def name(key: str | None, about: Subject = ABOUT, call: Any = "delayed") -> str:
        return tracked_record(call, {"a": 1}, about, key, 0).id

    assert name("k") == name("k")
    others = {name("l"), name("k", Subject("churn_risk", prediction_id="p-2")), name("k", call="prediction"), name(None), name(None)}
    assert len(others | {name("k")}) == 6


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (float("nan"), None),
        (pd.Timestamp("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (date(2026, 1, 1), "2026-01-01"),
        ({"deep": (1, 2)}, {"deep": [1, 2]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_what_json_has(value: object, expected: object) -> None:
    assert plain({"m": value}) == {"m": expected}


@pytest.mark.parametrize("metrics", [{"a": object()}, {(1, 2): 3}, {"a": {1 + 2j}}], ids=["object", "name", "complex"])
def test_what_is_not_json_is_told(metrics: Any) -> None:
    with pytest.raises(InvalidEvent, match="the metrics cannot be written as JSON: .*; expected names with"):
        plain(metrics)


def test_times_come_in_three_ways_and_need_a_zone() -> None:
    same = {instant(when, "start") for when in (1767225600000, "2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC))}
    assert same == {"2026-01-01T00:00:00.000000Z"}
    for wrong, why in {"2026-01-01": "has no time zone", "soon": "is no time", 10**20: "is no time"}.items():
        with pytest.raises(ConfigError, match=f"start: .*{why}"):
            instant(wrong, "start")


def test_frames_of_either_kind_give_the_same_rows() -> None:
    table = {"prediction_id": ["a", "b"], "truth": [1.0, None], "kind": ["x", "y"]}
    expected = [("a", {"truth": 1.0, "kind": "x"}), ("b", {"kind": "y"})]
    assert list(pairs(pa.table(table), "prediction_id")) == expected
    assert list(pairs(pd.DataFrame(table), "prediction_id")) == expected
    assert list(pairs(iter(expected), "prediction_id")) == expected
    extended = pd.DataFrame(table).astype({"truth": "Int64"}).assign(when=pd.NaT)
    assert [plain(metrics) for _, metrics in pairs(extended, "prediction_id")] == [{"truth": 1, "kind": "x"}, {"kind": "y"}]
    with pytest.raises(ConfigError, match="the frame has no column id, it has prediction_id, truth, kind"):
        list(pairs(pa.table(table), "id"))


def test_a_record_holds_every_field_of_its_struct() -> None:
    record = tracked_record("aggregate", {"auroc": 0.8}, Subject("d", "m", "1", start="a", end="b"), None, 0)
    fields = msgspec.json.decode(encode(record))
    assert (fields["record"], fields["model_version"], fields["start"], fields["prediction_id"]) == ("tracked", "1", "a", "")
