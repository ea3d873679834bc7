"""The demo's table and its parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_model import DATA

from streaming.errors import ConfigError
from streaming.local.telco import CATEGORICAL, NUMERIC, event_fields, load_telco, split


def test_parts_are_disjoint_whole_and_always_the_same() -> None:
    frame = load_telco(DATA)
    training, held_out = split(frame)

    assert (len(frame), len(training), len(held_out)) == (7043, 4922, 2121)
    assert set(training.index) | set(held_out.index) == set(frame.index)
    assert list(held_out.index[:3]) == ["C0000004", "C0000006", "C0000015"]


def test_a_customers_part_does_not_depend_on_the_rest_of_the_table() -> None:
    frame = load_telco(DATA)

    assert list(split(frame.head(100))[1].index) == [name for name in split(frame)[1].index if name < "C0000100"]


def test_fields_are_plain_values_and_missing_ones_are_none() -> None:
    fields = event_fields(load_telco(DATA))

    assert fields[0]["customer_id"] == "C0000000"
    assert set(fields[0]) == {"customer_id", *CATEGORICAL, *NUMERIC}
    assert {type(value) for row in fields for value in row.values()} == {str, int, float, type(None)}
    missing = [row for row in fields if row["total_charges"] is None]
    assert len(missing) == 11
    assert {row["tenure"] for row in missing} == {0}


def test_a_file_that_is_not_there_or_not_the_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_telco(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="churn, contract.*missing"):
        load_telco(tmp_path / "other.csv")
