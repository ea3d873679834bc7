"""`scoring config`: is a configuration file right, and what may stand in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

config = typer.Typer(help="Configuration files: check one, list every setting.", no_args_is_help=True)


@config.command()
def check(file: Annotated[Path, typer.Argument(help="configuration file (TOML)")] = Path("conf/local.toml")) -> None:
    """Check a configuration file whole, with its deployment; contacts nobody."""
    from streaming.config import load_settings
    from streaming.models.deployment import load_deployment

    settings = load_settings(file)
    deployment = load_deployment(settings.deployment)
    typer.echo(f"{file}: right; deployment {deployment.name} scores {settings.topics.event}")


@config.command()
def table() -> None:
    """List every setting with its type, default and meaning, as Markdown."""
    from streaming.settings_table import settings_table

    typer.echo(settings_table())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(config, name="config")
