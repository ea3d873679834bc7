"""The README's blocks work: Python runs, TOML loads, commands exist with these options, make knows its targets."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_is_a_configuration(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for reference in re.findall(r'"env:(\w+)"', text):
        monkeypatch.setenv(reference, "postgresql://localhost/x")
    path = tmp_path / "conf.toml"
    path.write_text(text, encoding="utf-8")
    assert load_settings(path).drift.window_events == 1000


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("make ")])
def test_make_knows_the_target(line: str) -> None:
    result = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    if "ARGS=" in line:
        assert re.search(r"scoring demo .*--summary out\.json --events 5000", result.stdout)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("scoring ")])
def test_the_command_takes_these_options(line: str) -> None:
    words = shlex.split(line)[1:]
    names = [word for word in words if not word.startswith("-")]
    path = [name for name in names if name.isidentifier() or "-" in name][:2]
    result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [*path[: _depth(path)], "--help"])
    assert result.exit_code == 0, result.output
    options = [word for word in words if word.startswith("--")]
    assert [option for option in options if option not in result.output] == []


def test_every_command_line_is_checked() -> None:
    assert COMMANDS
    assert [line for line in COMMANDS if not line.startswith(("make ", "scoring "))] == []


def _depth(path: list[str]) -> int:
    """One word for a command, two for a command of a group."""
    groups = {group.name for group in app.registered_groups}
    return 2 if path[0] in groups else 1
