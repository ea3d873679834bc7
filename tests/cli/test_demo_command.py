from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.errors import ConfigError


def test_the_summary_of_an_earlier_demo_does_not_outlive_the_start_of_the_next(tmp_path: Path) -> None:
    summary, home = tmp_path / "out.json", tmp_path / "home"
    summary.write_text("of an earlier demo")
    (home / "log").mkdir(parents=True)
    result = CliRunner().invoke(app, ["demo", "--home", str(home), "--summary", str(summary), "--no-live"])
    assert isinstance(result.exception, ConfigError)
    assert not summary.exists()


@pytest.mark.parametrize("events", ["2999", "0"])
def test_too_few_events_for_a_window_before_the_shift_are_refused(tmp_path: Path, events: str) -> None:
    result = CliRunner().invoke(app, ["demo", "--home", str(tmp_path / "home"), "--events", events])
    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()
