"""The scoring log: named by query, batch and task, so that a replay overwrites itself."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests_support import a_plan

from streaming.errors import ConfigError, StoreError, Unavailable
from streaming.sinks.scoring_log import arrow_address, check_scoring_log, log_rows, write_slice

ROWS = log_rows(
    pa.RecordBatch.from_pydict({"prediction_id": ["p1", "p2"], "event.tenure": [3, 4], "score": [0.1, 0.9], "value": [b"x", b"y"]})
)


def test_features_and_prediction_are_kept_and_raw_bytes_are_not(tmp_path: Path) -> None:
    path = write_slice(str(tmp_path), a_plan(batch_id=7), 1, [ROWS, ROWS])
    assert path == f"{tmp_path}/deployment=churn_risk/date=2026-01-02/hour=12/q-000000007-0001.parquet"
    table = pq.read_table(path, partitioning=None)
    assert table.column_names == ["prediction_id", "event.tenure", "score"]
    assert table.num_rows == 4


def test_a_replay_overwrites_its_file_and_leaves_no_other(tmp_path: Path) -> None:
    for _ in range(2):
        write_slice(str(tmp_path), a_plan(batch_id=7), 1, [ROWS])
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 1
    assert pq.read_table(files[0], partitioning=None).num_rows == 2


def test_nothing_scored_writes_nothing(tmp_path: Path) -> None:
    assert write_slice(str(tmp_path), a_plan(), 0, [ROWS.slice(0, 0)]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="scoring log"):
        write_slice(str(tmp_path / "file"), a_plan(), 0, [ROWS])


@pytest.mark.parametrize(
    ("hadoop", "arrow"),
    [
        ("s3a://bucket/log", "s3://bucket/log"),
        ("s3n://bucket/log", "s3://bucket/log"),
        ("s3://bucket/log", "s3://bucket/log"),
        ("hdfs://name:8020/log", "hdfs://name:8020/log"),
        ("file:/var/log", "/var/log"),
        ("file:///var/log", "/var/log"),
        ("/var/log:old", "/var/log:old"),
    ],
)
def test_hadoops_names_of_file_systems_are_arrows(hadoop: str, arrow: str) -> None:
    assert arrow_address(hadoop) == arrow


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_the_folder_is_made_and_left_empty_by_the_check(tmp_path: Path, scheme: str) -> None:
    root = f"{scheme}{tmp_path}/new/log"
    check_scoring_log(root)
    check_scoring_log(root + "/")
    assert list((tmp_path / "new" / "log").iterdir()) == []
    write_slice(root, a_plan(), 0, [ROWS])
    assert len(list((tmp_path / "new" / "log").rglob("*.parquet"))) == 1


def test_a_folder_that_cannot_be_made_or_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"scoring log .*/file/log: .*; let this user write there") as caught:
        check_scoring_log(str(tmp_path / "file" / "log"))
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="/proc/log"):
        check_scoring_log("/proc/log")


def test_a_file_system_that_arrow_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match=r"stream\.scoring_log: xyz://host/log: .*; expected a path, hdfs://") as caught:
        check_scoring_log("xyz://host/log")
    assert "\n" not in str(caught.value)


def test_rows_of_events_without_an_id_are_kept(tmp_path: Path) -> None:
    rows = pa.RecordBatch.from_pydict({"event_id": pa.array([None, "e"], pa.string()), "score": [0.1, 0.2]})
    path = write_slice(str(tmp_path), a_plan(), 0, [log_rows(rows)])
    assert pq.read_table(path, partitioning=None).column("event_id").to_pylist() == [None, "e"]
