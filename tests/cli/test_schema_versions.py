"""scoring schema diff, check --compatibility, publish, infer, docs, avro: as a user calls them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from contract_versions import document
from typer.testing import CliRunner, Result

from streaming.cli import app
from streaming.config import load_settings
from streaming.contracts.statistics.source import DataError
from streaming.contracts.versions import Incompatible
from streaming.errors import ConfigError, ContractError
from streaming.kafka.topics import create_topics
from streaming.producer import EventProducer

INT = {"type": "integer", "minimum": 0, "maximum": 100_000}
CREDIT = "examples/credit/applications.csv"


def scoring(*args: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["schema", *map(str, args)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two versions of `thing`; the second breaks old producers, and old consumers."""
    write(tmp_path, 1, {"n": INT})
    write(tmp_path, 2, {"n": INT, "m": INT})
    return tmp_path


def write(folder: Path, number: int, fields: dict[str, Any]) -> None:
    (folder / "thing").mkdir(exist_ok=True)
    (folder / "thing" / f"v{number}.json").write_text(json.dumps(document(fields)))


def test_diff_is_a_table_or_json(folder: Path) -> None:
    shown = scoring("diff", "thing/1", "thing/2", "--folder", folder)
    assert shown.exit_code == 0
    assert re.search(r"/m .* added: .* old producers, old consumers .* give m an x-default", " ".join(shown.stdout.split()))
    (change,) = json.loads(scoring("diff", "thing/1", "thing/2", "--folder", folder, "--json").stdout)
    assert (change["kind"], change["path"], change["breaks"]) == ("added", "/m", ["old producers", "old consumers"])
    assert "do not differ" in scoring("diff", "thing/1", "thing/1", "--folder", folder).stdout


def test_diff_shows_what_a_schema_says_as_text(folder: Path) -> None:
    write(folder, 2, {"n": {**INT, "description": "[red]x[/red]"}})
    assert "[red]x[/red]" in scoring("diff", "thing/1", "thing/2", "--folder", folder).stdout


def test_check_names_each_break_and_fails(folder: Path) -> None:
    found = scoring("check", folder)
    assert found.exit_code == 1
    assert "thing v1 → v2: /m: required: " in found.stdout
    assert "old producers break" in found.stdout
    told = json.loads(scoring("check", folder, "--compatibility", "full", "--json").stdout)
    assert [(one["who"], one["rule"]) for one in told["breaks"]["thing"]] == [
        ("old producers", "required"),
        ("old consumers", "additionalProperties"),
    ]


def test_check_transitive_looks_further_back(folder: Path) -> None:
    write(folder, 2, {"n": {**INT, "x-default": 1}})
    write(folder, 3, {"n": {**INT, "maximum": 10}})
    pairs = [
        [(one["older"], one["newer"]) for one in json.loads(scoring("check", folder, "--json", *more).stdout)["breaks"]["thing"]]
        for more in ([], ["--transitive"])
    ]
    assert pairs == [[(2, 3)], [(1, 3), (2, 3)]]


def test_check_publishes_nothing_that_breaks(folder: Path) -> None:
    assert scoring("check", folder, "--publish").exit_code == 1
    assert not (folder / "CHECKSUMS").exists()


def test_a_break_that_was_published_is_told_and_no_failure(folder: Path) -> None:
    assert scoring("publish", "thing/1", "--folder", folder).exit_code == 0
    refused = scoring("publish", "thing/2", "--folder", folder)
    assert isinstance(refused.exception, Incompatible)
    allowed = scoring("publish", "thing/2", "--folder", folder, "--allow-breaking")
    assert (allowed.exit_code, "allowed: /m: required" in allowed.stdout) == (0, True)
    found = scoring("check", folder)
    assert (found.exit_code, "old producers break" in found.stdout) == (0, True)
    assert scoring("check", folder, "--compatibility", "backward").exit_code == 1


def test_infer_writes_a_schema_that_can_be_published(tmp_path: Path) -> None:
    out = tmp_path / "credit" / "v1.json"
    roles = ["--entity", "applicant_id", "--event-time", "submitted_at", "--event-id", "application_id"]
    done = scoring("infer", CREDIT, *roles, "--target", "defaulted", "--positive", "yes", "--metadata", "channel", "--out", out)
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text())
    assert (written["title"], written["properties"]["channel"]["x-role"]) == ("credit", "metadata")
    assert scoring("check", tmp_path).exit_code == 0
    del written["$comment"]
    for spec in written["properties"].values():
        del spec["$comment"]
    out.write_text(json.dumps(written))
    assert scoring("publish", out).exit_code == 0
    again = scoring("infer", CREDIT, *roles, "--out", out)
    assert isinstance(again.exception, ContractError)
    assert "is there already" in str(again.exception)


def test_infer_names_candidates_on_standard_output() -> None:
    found = json.loads(scoring("infer", CREDIT).stdout)
    assert (found["title"], "x-entity" in found) == ("applications", False)
    assert "--event-time: submitted_at" in found["$comment"]


def test_infer_wants_a_file_or_a_topic() -> None:
    assert scoring("infer").exit_code == 2
    assert scoring("infer", CREDIT, "--topic", "x").exit_code == 2


def test_infer_takes_a_name_that_is_no_file_for_a_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    asked = scoring("infer", "customer_activity", "--config", tmp_path / "none.toml").exception
    assert isinstance(asked, ConfigError)  # it looked for the brokers
    for name in ("taken", "data.csv", "./data", "more/data"):
        assert isinstance(scoring("infer", name, "--config", tmp_path / "none.toml").exception, DataError), name


def test_docs_writes_a_page_for_each_event(folder: Path) -> None:
    done = scoring("docs", folder, "--out", folder / "pages")
    assert done.stdout == f"{folder / 'pages' / 'thing.html'}: 2 versions, 4 fields\n"
    assert "v1 → v2" in (folder / "pages" / "thing.html").read_text()


def test_avro_is_json(folder: Path) -> None:
    found = json.loads(scoring("avro", "thing/1", "--folder", folder).stdout)
    assert [field["name"] for field in found["fields"]] == ["at", "who", "n"]


@pytest.mark.integration
def test_infer_reads_a_topic(settings_file: Path) -> None:
    settings = load_settings(settings_file)
    create_topics(settings)
    topic = settings.topics.event
    with EventProducer(settings.kafka.bootstrap_servers, topic) as producer:
        for i in range(50):
            producer.send(json.dumps({"who": f"w{i}", "at": f"2026-01-01T00:00:{i:02}Z", "n": i / 4}).encode(), key=b"k")
    roles = ["--entity", "who", "--event-time", "at", "--event", "thing"]
    done = scoring("infer", "--topic", topic, "--config", settings_file, *roles)
    assert done.exit_code == 0, done.output
    assert scoring("infer", topic, "--config", settings_file, *roles).stdout == done.stdout
    found = json.loads(done.stdout)
    assert (found["x-entity"], found["properties"]["n"]["type"], found["required"]) == ("who", "number", ["who", "at", "n"])
