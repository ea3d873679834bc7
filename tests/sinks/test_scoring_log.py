"""The scoring log: named by query, batch and task, so that a replay overwrites itself."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests_support import a_plan

from streaming.errors import Unavailable
from streaming.sinks.scoring_log import log_rows, write_slice

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
