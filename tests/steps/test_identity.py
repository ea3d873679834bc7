"""Prediction ids against the standard library's UUIDv5 over JSON made by the standard library."""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.records import INSTANT, rfc3339
from streaming.steps.identity import prediction_ids

STREAM = "customer_activity"
ID_TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
TIMES = st.integers(-(10**15), 10**16)
ADDRESSES = st.tuples(st.text("abc._-", min_size=1), st.integers(0, 99), st.integers(0, 2**62))


def batch(rows: list[tuple[str | None, int, tuple[str, int, int]]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "event_id": pa.array([row[0] for row in rows], pa.string()),
            "event_time": pa.array([row[1] for row in rows], INSTANT),
            "source_topic": pa.array([row[2][0] for row in rows], pa.string()),
            "source_partition": pa.array([row[2][1] for row in rows], pa.int32()),
            "source_offset": pa.array([row[2][2] for row in rows], pa.int64()),
        }
    )


def expected(rows: pa.RecordBatch, deployment: str, shadow: str | None) -> list[str]:
    ids = []
    for row in rows.to_pylist():
        address = [row["source_topic"], row["source_partition"], row["source_offset"]]
        key = address if row["event_id"] is None else [row["event_id"], rfc3339(row["event_time"])]
        parts = [deployment, key] if shadow is None else [deployment, key, shadow]
        name = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        ids.append(str(uuid5(uuid5(NAMESPACE_URL, "stream:" + STREAM), name)))
    return ids


@settings(deadline=None)
@given(st.lists(st.tuples(ID_TEXTS, TIMES, ADDRESSES), max_size=5), st.sampled_from([None, "challenger-2", 'a"b']))
def test_ids_are_uuid5_of_the_canonical_json(rows: list[tuple[str | None, int, tuple[str, int, int]]], shadow: str | None) -> None:
    given_rows = batch(rows)

    assert prediction_ids(given_rows, STREAM, "churn_risk", shadow).to_pylist() == expected(given_rows, "churn_risk", shadow)


@pytest.mark.parametrize("event_id", ["plain", 'quo"te', "back\\slash", "new\nline", "ünïcode ☃", "", "\x7f"])
def test_an_id_does_not_depend_on_its_neighbours(event_id: str) -> None:
    row = (event_id, 1_700_000_000_000_000, ("t", 0, 1))
    alone = prediction_ids(batch([row]), STREAM, "churn_risk")
    amid = prediction_ids(batch([(None, 5, ("t", 0, 2)), row, ('"', 5, ("t", 0, 3))]), STREAM, "churn_risk")

    assert alone[0] == amid[1]


def test_stream_deployment_and_shadow_each_change_the_id() -> None:
    one = batch([("e", 0, ("t", 0, 1))])
    ids = {
        prediction_ids(one, stream, deployment, shadow)[0].as_py()
        for stream in ("a", "b")
        for deployment in ("x", "y")
        for shadow in (None, "v")
    }

    assert len(ids) == 8
