"""Errors as the command tells them: one line, an exit code, no traceback."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from streaming import cli, errors
from streaming.errors import ConfigError, ScoringError, Unavailable

OURS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ScoringError)]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_and_its_exit_code(
    kind: type[ScoringError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> None:
        raise kind("found x, expected y; do z")

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == kind.exit_code
    assert capsys.readouterr() == ("", "scoring: found x, expected y; do z\n")


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_error_says_what_to_do_and_never_succeeds(kind: type[ScoringError]) -> None:
    assert kind.__doc__
    assert kind.exit_code in {1, 2}


def test_a_wrong_setting_is_told_apart_from_what_went_wrong() -> None:
    assert (ConfigError.exit_code, Unavailable.exit_code) == (2, 1)


def test_what_is_not_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def app() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_the_real_command_on_a_missing_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streaming.cli", "store", "migrate", "--config", str(tmp_path / "absent.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == f"scoring: {tmp_path}/absent.toml: cannot be read (No such file or directory); name a configuration file with --config\n"
    )
