"""scoring data, as a stranger uses it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streaming.cli import app
from streaming.contracts import load_contract
from streaming.contracts.statistics.document import read_document
from streaming.errors import ScoringError

TELCO = "examples/churn/telco_churn.csv"
TRAINING = ["--schema", "customer_activity/1", "--training", "--no-metadata"]


def run(*words: object) -> Result:
    result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["data", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit | ScoringError):
        raise result.exception
    return result


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The telco table with a category and a range that the contract does not know."""
    with Path(TELCO).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        row["contract"] = "Weekly" if place % 2 else row["contract"]
        row["tenure"] = "500" if place % 10 == 0 else row["tenure"]
    path = tmp_path / "broken.csv"
    with path.open("w", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_describe_tells_each_field() -> None:
    result = run("describe", TELCO)
    assert result.exit_code == 0
    assert "7,043 rows, 20 fields, 0 unreadable" in result.output
    assert "  total_charges: number, 99.84 % present" in result.output
    assert "  contract: string, 100 % present, 3 different, most often 'Month-to-month' 3,875×" in result.output


def test_describe_writes_json_and_a_page(tmp_path: Path) -> None:
    page = tmp_path / "made" / "data.html"
    result = run("describe", TELCO, "--slice", "contract", "--json", "--out", page)
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["summary"]["fields"]["tenure"]["numbers"]["high"] == 72
    assert set(found["summary"]["slices"]["contract"]) == {"Month-to-month", "One year", "Two year"}
    assert "By contract" in page.read_text(encoding="utf-8")
    (tmp_path / "stats.json").write_text(result.stdout, encoding="utf-8")
    assert read_document(tmp_path / "stats.json").state.rows == 7043


def test_data_that_keep_the_contract_are_valid(tmp_path: Path) -> None:
    baseline = tmp_path / "stats.json"
    baseline.write_text(run("describe", TELCO, "--json").stdout, encoding="utf-8")
    result = run("validate", TELCO, *TRAINING, "--baseline", baseline)
    assert (result.exit_code, result.output) == (0, "7,043 rows, 0 anomalies\n")


def test_anomalies_have_numbers_two_ways_out_and_a_proposal(broken: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = run("validate", broken, *TRAINING, "--write-schema", tmp_path, "--out", page)
    assert result.exit_code == 1
    assert 'contract: unseen_value: found "Weekly" 3,521×' in result.output
    assert "mend the data: send contract as one of its choices\n  change the schema: add it to enum" in result.output
    assert "tenure: range: found highest 500, expected maximum 150 (about " in result.output
    proposed = load_contract(tmp_path / "customer_activity" / "v2.json", "training")
    choices = next(field.choices for field in proposed.fields if field.name == "contract")
    assert choices is not None and "Weekly" in choices
    assert run("validate", broken, "--schema", tmp_path / "customer_activity" / "v2.json", *TRAINING[2:]).exit_code == 0
    assert "2 anomalies" in page.read_text(encoding="utf-8")


def test_anomalies_as_json(broken: Path) -> None:
    result = run("validate", broken, *TRAINING, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(one["field"], one["finding"], one["rows"]) for one in report["anomalies"]][1] == ("contract", "unseen_value", 3521)
    assert all(one["mend_data"] and one["change_schema"] for one in report["anomalies"])
    assert (report["rows"], report["proposal"]) == (7043, None)


@pytest.mark.parametrize("folder", ["mine", "taken"])
def test_the_anomalies_are_told_even_if_no_schema_can_be_proposed(folder: str, tmp_path: Path) -> None:
    """Nothing that a schema mends, and a proposal that is there already: the report stands before the reason."""
    path, schema = tmp_path / "data.jsonl", tmp_path / folder / "customer_activity" / "v2.json"
    path.write_text('{"tenure": 500}\n' if folder == "taken" else "rubbish\n", encoding="utf-8")
    if folder == "taken":
        schema.parent.mkdir(parents=True)
        schema.write_text("{}", encoding="utf-8")
    words = ["validate", path, "--schema", "customer_activity/1", "--write-schema", tmp_path / folder]
    result = run(*words)
    assert result.exit_code == 2
    lines = result.output.splitlines()
    assert any(line.startswith("tenure: " if folder == "taken" else "data: unreadable: ") for line in lines)
    assert lines[-1].startswith("no schema proposed: ") and " anomalies" in lines[-2]
    assert len(lines) > 3
    assert schema.exists() is (folder == "taken")
    report = json.loads(run(*words, "--json").stdout)
    assert report["proposal"] is None and report["proposal_error"] == lines[-1].removeprefix("no schema proposed: ")
    assert len(report["anomalies"]) > 1


def test_a_field_to_slice_by_that_is_not_there_is_told() -> None:
    result = run("describe", TELCO, "--slice", "contrakt")
    assert isinstance(result.exception, ScoringError)
    assert "there is no field 'contrakt' to slice by; there are churn, female, " in str(result.exception)


def test_what_is_beyond_a_limit_and_hostile_is_told_safely(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    rows = [{"id": str(i), "plan": "ab"[i % 2], "evil": "\x9b2J\u202e"} for i in range(200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    described = run("describe", path, "--slice", "id")
    assert "  not sliced by id: more than 100 values, or personal\n  not associated: id: more than 30 values\n" in described.output
    held = run("validate", path, "--schema", "customer_activity/1")
    assert "evil: unknown_field" in held.output
    for result in (described, held):
        assert all(line.isprintable() for line in result.output.splitlines())


def test_the_help_tells_the_exit_codes() -> None:
    assert "Exit codes: 0 no anomaly; 1 anomalies; 2 the data" in " ".join(run("validate", "--help").output.split())


@pytest.mark.parametrize(("measure", "told"), [("js", "tenure: drift: found Jensen–Shannon"), ("psi", "tenure: drift: found PSI")])
def test_drift_is_judged_by_the_measure_asked_for(measure: str, told: str, broken: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "stats.json"
    baseline.write_text(run("describe", TELCO, "--json").stdout, encoding="utf-8")
    words = ["validate", broken, *TRAINING, "--baseline", baseline, "--measure", measure]
    assert told in run(*words).output
    assert told not in run(*words, "--max-distance", "9").output
    assert "contract: skew" in run(*words, "--skew").output


@pytest.mark.slow
def test_expectations_tell_the_rows(broken: Path, tmp_path: Path) -> None:
    result = run("expectations", broken, *TRAINING, "--docs", tmp_path / "docs", "--json")
    report = json.loads(result.stdout)
    failed = {(one["path"], one["rule"]): one["failed"] for one in report["outcomes"] if not one["success"]}
    assert (result.exit_code, failed) == (1, {("/contract", "enum"): 3521, ("/tenure", "maximum"): 705})
    assert Path(report["docs"]).is_file()
    assert run("expectations", TELCO, *TRAINING).exit_code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["describe"], 2),
        (["describe", "none.csv"], 2),
        (["describe", TELCO, "--topic", "t"], 2),
        (["describe", TELCO, "--slice", "contrakt"], 2),
        (["validate", TELCO], 2),
        (["validate", TELCO, "--schema", "customer_activity/99"], 2),
        (["validate", TELCO, "--schema", "customer_activity/1", "--baseline", "none.json"], 2),
        (["validate", TELCO, "--schema", "customer_activity/1", "--measure", "ks"], 2),
    ],
)
def test_what_is_wrong_is_told(words: list[str], code: int) -> None:
    result = run(*words)
    found = result.exception.exit_code if isinstance(result.exception, ScoringError) else result.exit_code
    assert found == code
