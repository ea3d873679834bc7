"""scoring drift joint|concept on files, run as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_model import DATA
from typer.testing import CliRunner

from streaming.cli import app
from streaming.errors import ConfigError

RUN = CliRunner()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A reference, a window of the same customers' kind, and one in which prices and outcomes were changed."""
    folder = tmp_path_factory.mktemp("tables")
    table = pd.read_csv(DATA, keep_default_na=False, na_values={"total_charges": [""]})
    table = table.assign(id=[f"C{row}" for row in range(len(table))]).sample(frac=1, random_state=3)
    changed = table[2000:3000].copy()
    changed["monthly_charges"] = np.random.default_rng(0).permutation(changed["monthly_charges"].to_numpy())
    changed["churn"] = np.where(changed["contract"] == "Two year", "Yes", changed["churn"])
    for name, part in (("reference", table[:2000]), ("same", table[3000:4000])):
        part.to_csv(folder / f"{name}.csv", index=False)
    changed.to_parquet(folder / "changed.parquet")
    return folder / "reference.csv", folder / "same.csv", folder / "changed.parquet"


@pytest.mark.slow
def test_joint_drift_is_told_by_exit_code_and_names_the_column(files: tuple[Path, Path, Path]) -> None:
    reference, same, changed = map(str, files)
    quiet = RUN.invoke(app, ["drift", "joint", reference, same, "--target", "churn", "--json"])
    loud = RUN.invoke(app, ["drift", "joint", reference, changed, "--target", "churn", "--json"])
    assert (quiet.exit_code, loud.exit_code) == (0, 1), quiet.output + loud.output
    told = json.loads(loud.output)
    assert [verdict["drifted"] for verdict in told["verdicts"]] == [True, True]
    assert "monthly_charges" in list(told["told_apart_by"])[:2]
    assert "id" not in told["told_apart_by"]


def test_concept_drift_names_the_feature(files: tuple[Path, Path, Path]) -> None:
    reference, same, changed = map(str, files)
    assert RUN.invoke(app, ["drift", "concept", reference, same]).exit_code == 0
    found = RUN.invoke(app, ["drift", "concept", reference, changed, "--json"])
    assert found.exit_code == 1
    first = json.loads(found.output)["features"][0]
    assert (first["feature"], first["level"]) == ("contract", "Two year")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no.csv", "cannot be read"),
        ("2026-01-02/2026-01-01", "ends before it begins"),
        ("2026-01-02/x", "no span"),
        ("a.xlsx", "expected .csv"),
    ],
)
def test_what_cannot_be_read_is_told(files: tuple[Path, Path, Path], place: str, message: str) -> None:
    done = RUN.invoke(app, ["drift", "concept", str(files[0]), place])
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)


def test_labels_join_by_prediction_id(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    table = pd.read_csv(files[0]).rename(columns={"id": "prediction_id"})
    table.drop(columns="churn").to_csv(tmp_path / "rows.csv", index=False)
    table[["prediction_id", "churn"]][:1500].to_csv(tmp_path / "labels.csv", index=False)
    done = RUN.invoke(
        app, ["drift", "concept", str(files[0]), str(tmp_path / "rows.csv"), "--labels", str(tmp_path / "labels.csv"), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["rows"] == [2000, 1500]
    without = RUN.invoke(app, ["drift", "concept", str(files[0]), str(tmp_path / "rows.csv")])
    assert "name the outcome with --target" in str(without.exception)
