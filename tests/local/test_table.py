from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from contract_versions import document

from streaming.contracts import Contract, load_contract
from streaming.contracts.schema import parse_contract
from streaming.errors import ConfigError
from streaming.local.table import load_table
from streaming.local.telco import DEFAULT_DATA, load_telco

FIELDS: dict[str, Any] = {
    "n": {"type": ["number", "null"]},
    "b": {"type": "boolean"},
    "s": {"type": "string"},
    "bad": {"type": "string", "enum": ["0", "1"], "x-role": "target", "x-environments": ["training"], "x-positive": "1"},
}


def contract(**fields: Any) -> Contract:
    return parse_contract(document(FIELDS | fields), "thing", 1, "v1", "training")


def table(folder: Path, *changed: str, header: str = "who,n,b,s,bad,other") -> Path:
    path = folder / "table.csv"
    lines = [f"w{i},{i}.5,{'true' if i % 2 else 'false'},x,{i % 2},z" for i in range(40)]
    path.write_text("\n".join([header, *changed, *lines[len(changed) :]]) + "\n")
    return path


def test_features_and_target_are_those_of_the_contract(tmp_path: Path) -> None:
    frame = load_table(table(tmp_path, "w0,,true,NA,0,z"), contract())
    assert list(frame.columns) == ["n", "b", "s", "bad"]
    assert frame.index[:2].tolist() == ["w0", "w1"]
    assert pd.isna(frame["n"].iloc[0]) and frame["n"].iloc[1] == 1.5
    assert (frame["b"].iloc[0], frame["s"].iloc[0], frame["bad"].iloc[0]) == (1.0, "NA", "0")


def test_the_churn_table_is_read_as_the_demo_reads_it() -> None:
    found = load_table(DEFAULT_DATA, load_contract(Path("schemas/customer_activity/v1.json"), "training"))
    pd.testing.assert_frame_equal(found, load_telco())


@pytest.mark.parametrize(
    ("line", "header", "message"),
    [
        ("w0,many,true,x,0,z", "who,n,b,s,bad,other", "column n holds 'many'; expected a number or nothing"),
        ("w0,1,yes,x,0,z", "who,n,b,s,bad,other", "column b holds 'yes'; expected a boolean or nothing"),
        ("w0,1,true,x,0,z", "who,m,b,s,bad,other", "column n is missing"),
        ("w0,1,true,x,2,z", "who,n,b,s,bad,other", "bad has .* rows; expected two classes"),
    ],
)
def test_what_cannot_be_trained_on_is_told(line: str, header: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load_table(table(tmp_path, line, header=header), contract())


def test_a_feature_that_is_neither_number_nor_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="since cannot be trained on; give it the x-role metadata"):
        load_table(table(tmp_path), contract(since={"type": "string", "format": "date-time"}))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_table(tmp_path / "none.csv", contract())
