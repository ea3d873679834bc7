"""`scoring metrics`: the time that is asked for, and files that are whole or not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from streaming.cli.metrics import as_fields, span
from streaming.errors import ConfigError, Unavailable
from streaming.report.metric_export import write_points
from streaming.sinks.metric_store.query import Point

NOW = datetime(2026, 2, 8, tzinfo=UTC)
POINT = Point("d", "score", "m", "1", "champion", NOW, 3, 1.5, 0.5, 0.1, None, None, None, None, None, 0.4, 0.6, 0.7)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [(None, None, 24), ("36h", None, 36), ("2w", None, 336), ("2026-02-07T00:00:00Z", "2026-02-07T12:00:00Z", 12)],
)
def test_a_time_is_asked_for_in_either_way(start: str | None, end: str | None, hours: int) -> None:
    begin, until = span(start, end, NOW)
    assert until - begin == timedelta(hours=hours)


@pytest.mark.parametrize(("start", "end"), [("soon", None), ("1d", "2026-02-08"), ("2026-03-01T00:00:00Z", None), ("d", None)])
def test_what_is_no_time_is_told(start: str, end: str | None) -> None:
    with pytest.raises(ConfigError, match=r"--from|--to"):
        span(start, end, NOW)


def test_what_is_not_known_is_left_out_of_a_points_fields() -> None:
    fields = as_fields(POINT)
    assert fields["at"] == "2026-02-08T00:00:00Z"
    assert not {"least", "most", "latest", "low", "high"} & set(fields)
    assert json.loads(json.dumps(fields))["p95"] == 0.6


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_a_file_holds_every_point(tmp_path: Path, form: str) -> None:
    out = tmp_path / "new" / f"points.{form}"
    assert write_points((POINT._replace(n=number) for number in range(25_000)), out, form) == 25_000  # type: ignore[arg-type]
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda path: pd.read_json(path, lines=True)}
    frame = readers[form](out)
    assert frame["n"].tolist() == list(range(25_000))
    assert frame["mean"].unique().tolist() == [0.5]
    assert frame["least"].isna().all()


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path) -> None:
    def breaking() -> Iterator[Point]:
        yield POINT
        raise Unavailable("gone")

    with pytest.raises(Unavailable):
        write_points(breaking(), tmp_path / "x.jsonl", "jsonl")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_points([POINT], tmp_path / "file" / "x.csv", "csv")
