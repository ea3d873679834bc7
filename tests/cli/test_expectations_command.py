"""scoring data expectations and scoring schema expectations: what no row tells, and the suite for others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streaming.cli import app
from streaming.errors import SetupError

EVENTS = Path("examples/churn/events.jsonl")


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [*map(str, words)])


@pytest.mark.slow
def test_a_file_with_lines_that_hold_no_event_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(EVENTS.read_bytes())
    good = run("data", "expectations", file, "--schema", "customer_activity/1")
    assert good.exit_code == 0 and "unreadable" not in good.output
    file.write_bytes(EVENTS.read_bytes() + b"rubbish\n[1]\n")
    bad = run("data", "expectations", file, "--schema", "customer_activity/1")
    assert bad.exit_code == 1 and "unreadable: 2 hold no event" in bad.output


@pytest.mark.slow
def test_a_file_of_nothing_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"rubbish\n")
    told = run("data", "expectations", file, "--schema", "customer_activity/1")
    assert told.exit_code == 1 and "no rows: nothing was held to the suite" in told.output
    report = json.loads(run("data", "expectations", file, "--schema", "customer_activity/1", "--json").stdout)
    assert (report["rows"], report["unreadable"], report["success"]) == (0, 1, False)


@pytest.mark.slow
def test_docs_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = run("data", "expectations", EVENTS, "--schema", "customer_activity/1", "--docs", tmp_path / "file" / "docs")
    assert isinstance(told.exception, SetupError) and "cannot be written" in str(told.exception)


@pytest.mark.slow
def test_the_suite_of_a_contract_is_written_as_json() -> None:
    serving, training = (
        run("schema", "expectations", "customer_activity/1"),
        run("schema", "expectations", "customer_activity/1", "--training", "--no-metadata"),
    )
    suite, fewer = json.loads(serving.stdout), json.loads(training.stdout)
    assert suite["name"] == fewer["name"] == "customer_activity_v1"
    columns = {one["kwargs"]["column"] for one in suite["expectations"]}
    assert {"tenure", "tenure.type", "event_id", ".unknown"} <= columns
    assert "event_id" not in {one["kwargs"]["column"] for one in fewer["expectations"]}


@pytest.mark.parametrize("job", ["score-events", "detect-drift"])
def test_an_option_that_a_streaming_job_does_not_take_is_refused(job: str) -> None:
    told = run("run", job, "--last", "5")
    assert told.exit_code == 2
    assert f"{job} takes --config and nothing else; found --last" in told.output
