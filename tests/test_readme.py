"""The README's blocks work: Python runs, TOML loads, commands exist with these options, make knows its targets.

"By hand" is followed word for word in a fresh copy of the tree.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import psutil
import pytest
from service import wait_until
from tests_support import as_from_a_terminal
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.local.job_status import jobs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, readme: str = README) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


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
    if line.startswith("make demo ARGS="):
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


def lines_of(section: str) -> list[str]:
    """The command lines of a section."""
    return [line for block in blocks("bash", README.split(f"## {section}")[1].split("\n## ")[0]) for line in block.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("line", lines_of("Contracts, rejections, data"))
def test_the_data_commands_run(line: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    line = line.replace("var/", f"{tmp_path}/")
    done = subprocess.run(shlex.split(line), cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "</html>" in (tmp_path / "credit.html").read_text()


BY_HAND = lines_of("By hand")
NOT_IN_A_CLONE = shutil.ignore_patterns(".*", "var", "*.egg-info", "__pycache__")


class Terminals:
    """A fresh copy of the tree with terminals in it: one for commands that end, one for each that does not."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, ""
        shutil.copytree(ROOT, folder, ignore=NOT_IN_A_CLONE)
        (folder / ".venv").symlink_to(sys.prefix)
        # The environment's own `streaming` is that of the tree here; the copy's stands before it.
        path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self._environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "120"}
        self.running: list[subprocess.Popen[bytes]] = []

    def run(self, line: str) -> str:
        """Run a command that ends, and ends well; returns what it printed."""
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, line: str) -> None:
        """Start a command that does not end, and wait until it is ready."""
        with (self.folder / "terminal.log").open("ab") as log:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=as_from_a_terminal,
            )
        self.running.append(process)

        def ready() -> bool:
            assert process.poll() is None, (self.folder / "terminal.log").read_text()[-3000:]
            return [job.detail for job in jobs(self.folder / "var")] == ["ready"] * len(self.running)

        wait_until(f"{line}: ready", ready)

    def end_jobs(self) -> None:
        """Ctrl-C in one terminal, SIGTERM to what runs in the next."""
        for process, number in zip(self.running, cycle([signal.SIGINT, signal.SIGTERM])):
            os.killpg(process.pid, number)  # as a terminal does for Ctrl-C
        for process in self.running:
            assert process.wait() == 0, (self.folder / "terminal.log").read_text()[-3000:]
        self.running.clear()

    def close(self) -> None:
        """End what a failed test left."""
        for process in psutil.process_iter(["cwd"]):
            if (process.info["cwd"] or "").startswith(str(self.folder)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    found = Terminals(tmp_path / "clone")
    yield found
    found.close()


@pytest.mark.integration
@pytest.mark.timeout(1200)
def test_by_hand_word_for_word(terminals: Terminals) -> None:
    printed = {}
    for line in BY_HAND:
        if line.startswith("scoring run "):
            terminals.start(line)
        else:
            if line == "scoring down":
                terminals.end_jobs()
            if line == "scoring report":
                wait_until("the last batch is in the report", lambda: "of 2,000 events" in terminals.run("scoring report"))
            printed[line] = terminals.run(line)
    ledger = (terminals.folder / "var" / "ledger.jsonl").read_text().splitlines()
    assert len(ledger) == 2000
    assert "2,000 messages acknowledged" in printed["scoring produce --events 2000 --rate 200"]
    assert "churn risk" in printed["scoring top --once"]
    assert "<svg" in (terminals.folder / "var" / "report.html").read_text()
    assert printed["scoring status"].count("running") == 4
    assert "stopped kafka, postgres" in printed["scoring down"]
    assert not terminals.running
    terminals.run("make clean")
    assert not (terminals.folder / "var").exists()
