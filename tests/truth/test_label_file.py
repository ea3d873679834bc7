"""Labels from files of every kind, with columns of other names, and rows that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from streaming.errors import ConfigError
from streaming.truth.label_file import read_labels

CSV = """entity_id,outcome_at,observed_at,label,acted,weight,comment
C1,2026-02-01,2026-03-01T08:00:00Z,true,yes,,left
007,2026-02-01T10:00:00+02:00,2026-03-01,0,false,2.5,
,2026-02-01,2026-03-01,1,,,nobody
C3,never,2026-03-01,1,,,
C4,2026-02-01,2026-03-01,Yes,maybe,,
C5,2026-02-01,2026-03-01,inf,,,
"""


def test_a_csv_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    first, second, *bad = read_labels(tmp_path / "a.csv", "churn_risk")
    assert first.label is not None
    assert second.label is not None
    assert (first.label.label, first.label.acted, first.label.outcome_at) == (True, True, "2026-02-01T00:00:00.000000Z")
    assert (second.label.entity_id, second.label.label, second.label.weight) == ("007", 0.0, 2.5)
    assert second.label.outcome_at == "2026-02-01T08:00:00.000000Z"
    assert [(one.row, one.label) for one in bad] == [(3, None), (4, None), (5, None), (6, None)]
    assert [one.fault.split(";")[0] for one in bad] == [
        "the label names no prediction", "Invalid isoformat string: 'never'", "acted is 'maybe'", "label is inf"]  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_the_same_labels_from_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    frame = pd.DataFrame({"customer": ["C1", "C2"], "when": [moment, moment], "churned": [True, False]})
    path = tmp_path / f"labels.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, date_format="iso")
    named = {"entity_id": "customer", "outcome_at": "when", "label": "churned"}
    found = [
        one.label
        for one in read_labels(path, "churn_risk", columns=named, defaults={"observed_at": "2026-03-01T00:00:00Z", "source": "crm"})
    ]
    assert [(one and one.entity_id, one and one.label) for one in found] == [("C1", True), ("C2", False)]
    assert {(one and one.outcome_at, one and one.source) for one in found} == {("2026-02-01T00:00:00.000000Z", "crm")}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x", "read from .csv, .parquet, .jsonl and .ndjson; found .txt"),
        ("a.csv", "entity_id,came\nC1,1\n", "no column label; found entity_id, came; name it with --column label=COLUMN"),
        ("a.parquet", "no parquet", "not a whole .parquet file"),
        ("a.jsonl", '{"label": 1\n', "not a whole .jsonl file"),
    ],
)
def test_a_file_that_holds_no_labels_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        list(read_labels(tmp_path / name, "churn_risk"))


def test_a_file_that_is_not_there_and_a_field_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_labels(tmp_path / "none.csv", "churn_risk"))
    with pytest.raises(ConfigError, match="churn is not a field of a label"):
        list(read_labels(tmp_path / "none.csv", "churn_risk", columns={"churn": "x"}))
