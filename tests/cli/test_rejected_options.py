"""Every command of `scoring rejected` that looks for events takes the same options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from streaming.cli.rejected import hint
from streaming.cli.rejected_options import Asked, selecting, selection_of
from streaming.errors import ConfigError

OPTIONS = ["reason", "path", "schema_version", "producer", "since", "until"]


def application(seen: list[tuple[Asked, int]]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @selecting
    def look(asked: Asked, most: Annotated[int, typer.Option(help="How many.")] = 3) -> None:
        """Look for events."""
        seen.append((asked, most))

    return app


def test_options_come_together_beside_the_commands_own() -> None:
    seen: list[tuple[Asked, int]] = []
    given = [
        "--reason",
        "enum",
        "--path",
        "/a",
        "--schema-version",
        "2",
        "--producer",
        "crm",
        "--since",
        "1h",
        "--until",
        "5m",
        "--most",
        "7",
    ]
    assert CliRunner().invoke(application(seen), given).exit_code == 0
    assert seen == [(dict(zip(OPTIONS, given[1:12:2], strict=True)), 7)]


def test_what_is_not_asked_for_is_empty() -> None:
    seen: list[tuple[Asked, int]] = []
    assert CliRunner().invoke(application(seen), []).exit_code == 0
    assert seen == [(dict.fromkeys(OPTIONS, ""), 3)]


def test_help_is_that_of_the_command_and_of_each_option() -> None:
    told = CliRunner().invoke(application([]), ["--help"]).output
    assert "Look for events." in told
    assert "Only events sent before then." in told
    assert "How many." in told


def test_a_time_that_is_none_is_told() -> None:
    asked = dict.fromkeys(OPTIONS, "") | {"since": "yesterday"}
    with pytest.raises(ConfigError, match="'yesterday' is no time"):
        selection_of(asked)
    assert selection_of(asked | {"since": ""}).since_ms is None


def test_the_next_command_is_told_with_the_configuration_it_needs() -> None:
    assert hint("customer_activity/0/7", Path("conf/local.toml")) == "scoring rejected show customer_activity/0/7"
    assert hint("credit/0/7", Path("conf/my own.toml")) == "scoring rejected show credit/0/7 --config 'conf/my own.toml'"
