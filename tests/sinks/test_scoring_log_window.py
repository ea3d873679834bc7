"""A window of the scoring log: the rows of its time, a sample that files and their order do not change, other schemas too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests_support import a_plan

from streaming.errors import StoreError
from streaming.records import INSTANT
from streaming.sinks.scoring_log import write_slice
from streaming.sinks.scoring_log_window import feature_frame, read_window

START = datetime(2026, 1, 2, 12, tzinfo=UTC)  # the hour of a_plan


def rows(first: int, count: int, *, role: str = "champion", with_plan: bool = True) -> pa.RecordBatch:
    """Predictions a second apart, numbered from `first` on."""
    numbers = range(first, first + count)
    columns = {
        "prediction_id": pa.array([f"p{number}" for number in numbers]),
        "model_name": pa.array(["churn"] * count),
        "model_version": pa.array(["1"] * count),
        "role": pa.array([role] * count),
        "score": pa.array([number / 1000 for number in numbers]),
        "scored_at": pa.array([START + timedelta(seconds=number) for number in numbers], INSTANT),
        "event.tenure": pa.array(numbers, pa.int64()),
    }
    if with_plan:
        columns["event.plan"] = pa.array(["a" if number % 2 else None for number in numbers])
    return pa.RecordBatch.from_pydict(columns)


def window(root: Path, first_s: int, end_s: int, rows: int = 1000, seed: int = 0) -> pa.Table:
    """What was scored in these seconds of the hour."""
    span = (START + timedelta(seconds=first_s), START + timedelta(seconds=end_s))
    return read_window(str(root), "churn_risk", *span, ["tenure", "plan"], rows=rows, seed=seed)


def test_only_the_rows_of_the_time_are_read_and_shadows_are_not(tmp_path: Path) -> None:
    write_slice(str(tmp_path), a_plan(batch_id=1), 0, [rows(0, 100)])
    write_slice(str(tmp_path), a_plan(batch_id=2), 0, [rows(0, 100, role="shadow")])
    found = window(tmp_path, 10, 20)
    assert sorted(found.column("tenure").to_pylist()) == list(range(10, 20))
    assert set(found.column_names) == {"prediction_id", "score", "model_name", "model_version", "scored_at", "tenure", "plan"}


def test_a_batch_planned_before_the_hour_is_found_in_it(tmp_path: Path) -> None:
    write_slice(str(tmp_path), a_plan(batch_id=1), 0, [rows(3590, 20)])
    assert window(tmp_path, 3600, 3700).num_rows == 10


def test_the_sample_does_not_depend_on_files(tmp_path: Path) -> None:
    for number in range(4):
        write_slice(str(tmp_path / "many"), a_plan(batch_id=number), 0, [rows(number * 50, 50)])
    write_slice(str(tmp_path / "one"), a_plan(batch_id=0), 0, [rows(150, 50), rows(0, 150)])
    apart, together = (window(tmp_path / name, 0, 500, rows=30) for name in ("many", "one"))
    assert apart.column("prediction_id").to_pylist() == together.column("prediction_id").to_pylist()
    assert apart.num_rows == 30
    assert set(window(tmp_path / "one", 0, 500, rows=30, seed=1).column("tenure").to_pylist()) != set(apart.column("tenure").to_pylist())


def test_a_field_that_older_files_lack_is_missing(tmp_path: Path) -> None:
    write_slice(str(tmp_path), a_plan(batch_id=1), 0, [rows(0, 3, with_plan=False)])
    write_slice(str(tmp_path), a_plan(batch_id=2), 0, [rows(3, 3)])
    table = window(tmp_path, 0, 10).sort_by("tenure")
    frame = feature_frame(table, ["tenure", "plan"])
    assert frame["tenure"].tolist() == [0, 1, 2, 3, 4, 5]
    assert frame["tenure"].dtype == np.float64
    assert frame["plan"].tolist() == [None, None, None, "a", None, "a"]


def test_an_empty_span_and_an_unknown_deployment_are_told(tmp_path: Path) -> None:
    write_slice(str(tmp_path), a_plan(batch_id=1), 0, [rows(0, 3)])
    with pytest.raises(StoreError, match="nothing of churn_risk was scored"):
        window(tmp_path, 100, 200)
    with pytest.raises(StoreError, match="nothing of other"):
        read_window(str(tmp_path), "other", START, START + timedelta(hours=1), [])


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    path = write_slice(str(tmp_path), a_plan(batch_id=1), 0, [rows(0, 3)])
    Path(str(path)).write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="see that it can be read"):
        window(tmp_path, 0, 10)
