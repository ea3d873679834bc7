"""docs/data.md: its commands run as written, its Python runs, its defaults are the command's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.against_baseline import MOST_CATEGORIES, Thresholds
from streaming.contracts.statistics.dataset import LONGEST_NAME, MOST_SLICES
from streaming.contracts.statistics.pairs import MOST_CATEGORICAL, MOST_NUMERIC, MOST_VALUES
from streaming.contracts.statistics.source import MOST_FIELDS

PAGE = Path("docs/data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("examples", "schemas"):
        (tmp_path / name).symlink_to(Path(name).resolve())
    (tmp_path / "var").mkdir()
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(lines) == 4
    for line in lines:
        command, _, target = line.partition(" > ")
        result = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        if target:
            (tmp_path / target).write_text(result.stdout, encoding="utf-8")
    assert (tmp_path / "var" / "data.html").is_file() and (tmp_path / "var" / "docs" / "index.html").is_file()


@pytest.mark.parametrize("block", [block for block in blocks("text") if block.startswith("$ ")])
def test_what_the_page_shows_of_a_command_is_what_it_prints(block: str) -> None:
    command, _, shown = block.removeprefix("$ ").partition("\n")
    result = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
    assert result.output == shown
    assert result.exit_code == 1


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_numbers_on_the_page_are_the_code_s() -> None:
    limits = Thresholds()
    assert f"`--max-category` {limits.categories}" in PAGE
    assert f"`--max-distance` {limits.js}; {limits.psi}" in PAGE
    assert f"`--max-presence` {limits.presence}" in PAGE
    assert f"More than {MOST_FIELDS:,} different fields" in PAGE and f"first {sketches.SHOWN_TEXT} characters" in PAGE
    assert f"more than {LONGEST_NAME} characters" in PAGE
    assert f"integers of at most {MOST_CATEGORIES} values" in PAGE
    assert f"(up to {MOST_SLICES})" in PAGE and f"(up to {MOST_NUMERIC}\n" in PAGE
    assert f"up to {MOST_CATEGORICAL} fields of up to {MOST_VALUES} values" in PAGE
    assert f"{sketches.RANK_ERROR * 100:.1f} % of the rank" in PAGE and f"k = {sketches.QUANTILE_K}" in PAGE
    assert f"{sketches.DISTINCT_ERROR * 100:.1f} % standard deviation" in PAGE and f"2^{sketches.DISTINCT_LG_K} registers" in PAGE
