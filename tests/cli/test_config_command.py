"""`scoring config`: a file is right or told to be wrong; the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.errors import ConfigError
from streaming.settings_table import settings_table

GOOD = """
schemas = "schemas"
deployment = "d.toml"
[kafka]
bootstrap_servers = "b:9092"
[store]
dsn = "x"
[registry]
tracking_uri = "sqlite:///m.db"
[stream]
checkpoint = "c"
[drift]
checkpoint = "d"
"""


def test_a_right_file_is_said_to_be_and_a_wrong_key_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(GOOD)
    (tmp_path / "d.toml").write_bytes(Path("conf/deployments/churn_risk.toml").read_bytes())
    result = CliRunner().invoke(app, ["config", "check", str(file)], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (0, f"{file}: right; deployment churn_risk scores customer_activity\n")
    file.write_text(GOOD + "chekpoint = 1\n")
    with pytest.raises(ConfigError, match="drift.chekpoint is not a setting; did you mean checkpoint"):
        CliRunner().invoke(app, ["config", "check", str(file)], catch_exceptions=False)


def test_the_table_is_written() -> None:
    assert CliRunner().invoke(app, ["config", "table"]).stdout == settings_table() + "\n"
