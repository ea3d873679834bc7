from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.cli.schema_validate import read_events
from streaming.errors import ContractError

SCHEMA = "schemas/customer_activity/v1.json"
GOOD: str = json.loads(Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()[0])["value"]


def _scoring(*args: str, stdin: bytes | None = None) -> tuple[int, list[dict[str, object]]]:
    result = CliRunner().invoke(app, ["schema", *args], input=stdin)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def _states(told: list[dict[str, Any]]) -> list[str]:
    return list(told[0]["schemas"].values())


def test_validate_writes_one_verdict_a_line(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD + "\r\n" + GOOD.replace('"tenure": 1', '"tenure": -1') + "\n\n")
    code, verdicts = _scoring("validate", SCHEMA, str(file))
    assert code == 1
    assert verdicts[0] == {"line": 1, "valid": True, "reasons": []}
    assert verdicts[1] == {"line": 2, "valid": False, "reasons": [{"path": "/tenure", "rule": "minimum", "value": "-1"}]}
    assert [verdict["valid"] for verdict in verdicts] == [True, False, False]
    assert verdicts[2]["reasons"] == [{"path": "", "rule": "empty_value", "value": ""}]


def test_validate_takes_an_event_and_its_version_too(tmp_path: Path) -> None:
    shutil.copytree("schemas", tmp_path / "mine")
    for name in ("customer_activity/1", "customer_activity/v1"):
        assert _scoring("validate", name, "-", "--folder", str(tmp_path / "mine"), stdin=GOOD.encode())[0] == 0
    assert _scoring("validate", "customer_activity/1", "-", stdin=b"{}")[0] == 1


def test_validate_reads_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text((GOOD + "\n") * 20_000)
    events = read_events(file, raw=False)
    tracemalloc.start()
    assert sum(1 for event, _ in events if event == GOOD.encode()) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < file.stat().st_size / 10


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("none.jsonl", [], "none.jsonl: cannot be read (No such file or directory); name a file of events"),
        ("none", ["--raw"], "none: cannot be read (No such file or directory); name a file of events"),
        ("", ["--raw"], ": no file in it; name a folder of events, each a file"),
        ("", [], ": is a folder; --raw takes each file in it as one event"),
    ],
)
def test_nothing_to_validate_is_told_in_one_line(tmp_path: Path, name: str, more: list[str], told: str) -> None:
    command = [sys.executable, "-c", "from streaming.cli import main; main()", "schema", "validate", SCHEMA, str(tmp_path / name), *more]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"scoring: {tmp_path}")
    assert ended.stderr.endswith(f"{told}\n")
    assert ended.stderr.count("\n") == 1


def test_validate_valid_events_from_standard_input() -> None:
    assert _scoring("validate", SCHEMA, "-", stdin=GOOD.encode())[0] == 0


def test_raw_takes_the_whole_file_as_one_event(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(json.loads(GOOD), indent=2))
    assert _scoring("validate", SCHEMA, str(file), "--raw") == (0, [{"line": 1, "valid": True, "reasons": []}])
    assert _scoring("validate", SCHEMA, str(file))[0] == 1
    file.write_text("")
    empty = [{"path": "", "rule": "empty_value", "value": ""}]
    assert _scoring("validate", SCHEMA, str(file), "--raw") == (1, [{"line": 1, "valid": False, "reasons": empty}])


def test_a_verdict_is_written_as_documented(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD.replace('"tenure": 1', '"tenure": -1'))
    result = CliRunner().invoke(app, ["schema", "validate", SCHEMA, str(file)])
    assert result.stdout == '{"line":1,"valid":false,"reasons":[{"path":"/tenure","rule":"minimum","value":"-1"}]}\n'


def test_raw_takes_each_file_of_a_folder_as_one_event(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b"\xff")
    (tmp_path / "a.json").write_text(json.dumps(json.loads(GOOD), indent=2))
    code, verdicts = _scoring("validate", SCHEMA, str(tmp_path), "--raw")
    assert code == 1
    assert [(verdict["line"], verdict["file"], verdict["valid"]) for verdict in verdicts] == [(1, "a.json", True), (2, "b.json", False)]


def test_a_target_stands_in_training_only(tmp_path: Path) -> None:
    schema = json.loads(Path(SCHEMA).read_text())
    del schema["x-target"]
    churn = {"type": "string", "enum": ["No", "Yes"], "x-role": "target", "x-environments": ["training"], "x-positive": "Yes"}
    schema["properties"]["churn"], schema["required"] = churn, [*schema["required"], "churn"]
    path, event = tmp_path / "v1.json", json.dumps({**json.loads(GOOD), "churn": "Yes"}).encode()
    path.write_text(json.dumps(schema))
    assert _scoring("validate", str(path), "-", "--environment", "training", stdin=event)[0] == 0
    code, verdicts = _scoring("validate", str(path), "-", stdin=event)
    assert (code, verdicts[0]["reasons"]) == (1, [{"path": "/churn", "rule": "additionalProperties", "value": '"Yes"'}])
    assert _scoring("validate", str(path), "-", stdin=GOOD.encode())[0] == 0
    assert _scoring("validate", str(path), "-", "--environment", "training", stdin=GOOD.encode())[0] == 1


def test_check_tells_drafts_from_published_and_publishes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree("schemas", tmp_path / "schemas"))
    (folder / "CHECKSUMS").unlink()
    code, states = _scoring("check", str(folder), "--json")
    assert code == 0
    assert set(_states(states)) == {"draft"}
    assert set(_states(_scoring("check", str(folder), "--publish", "--json")[1])) == {"published"}


def test_check_fails_for_a_changed_schema(tmp_path: Path) -> None:
    folder = Path(shutil.copytree("schemas", tmp_path / "schemas"))
    with (folder / "customer_activity" / "v1.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ContractError, match="changed since"):
        CliRunner().invoke(app, ["schema", "check", str(folder)], catch_exceptions=False)


def test_the_command_ends_with_one_line_and_a_code(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from streaming.cli import main; main()", "schema", "check", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("scoring: ")
    assert ended.stderr.count("\n") == 1
