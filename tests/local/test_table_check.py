"""A training table is held to its contract before a model learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract_versions import document

from streaming.contracts import Contract, load_contract
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics.source import DataError
from streaming.local.table import load_table
from streaming.local.table_check import check_table

pytestmark = pytest.mark.slow
FIELDS: dict[str, Any] = {
    "n": {"type": ["number", "null"], "minimum": 0, "maximum": 50},
    "b": {"type": "boolean"},
    "s": {"type": ["string", "null"], "maxLength": 2},
    "bad": {"type": "string", "enum": ["0", "1"], "x-role": "target", "x-environments": ["training"], "x-positive": "1"},
}


def contract(**fields: Any) -> Contract:
    return parse_contract(document(FIELDS | fields), "thing", 1, "v1", "training")


def table(folder: Path, **changed: str) -> Path:
    """Forty rows; those in `changed`, as row3="…", differ."""
    path = folder / "table.csv"
    lines = [changed.get(f"row{i}", f"{i}.5,{'true' if i % 2 else 'false'},x,{i % 2}") for i in range(40)]
    path.write_text("\n".join(["n,b,s,bad", *lines]) + "\n")
    return path


def test_a_table_that_keeps_its_contract_passes(tmp_path: Path) -> None:
    path = table(tmp_path, row3=",true,,1")
    check_table(load_table(path, contract()), contract(), path)


def test_what_is_broken_is_one_line(tmp_path: Path) -> None:
    path = table(tmp_path, row3="99,true,x,1", row7="-1,true,xxx,1", row8="70,,x,1")
    with pytest.raises(DataError) as told:
        check_table(load_table(path, contract()), contract(), path)
    assert str(told.value) == (
        f"{path}: breaks thing v1: /n minimum (1 rows, the first is 8), /n maximum (2 rows, the first is 4), "
        "/b type (1 rows, the first is 9) and 1 more; `scoring data expectations` tells the rest; "
        "mend the table or the schema, or train with --no-check"
    )


def test_the_example_table_passes() -> None:
    churn = load_contract(Path("schemas/customer_activity/v1.json"), "training")
    path = Path("examples/churn/telco_churn.csv")
    check_table(load_table(path, churn).head(500), churn, path)
