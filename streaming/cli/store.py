"""`scoring store`: tables of the operational store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

store = typer.Typer(help="Tables of the operational store.", no_args_is_help=True)


@store.callback()
def _group() -> None:
    """Tables of the operational store."""


@store.command()
def migrate(config: Annotated[Path, typer.Option(help="configuration file")] = Path("conf/local.toml")) -> None:
    """Bring the tables to this release's version; a second call changes nothing."""
    from streaming.config import load_settings
    from streaming.sinks.migrate import migrate as apply

    done = apply(load_settings(config).store.dsn.get_secret_value())
    typer.echo(f"applied {', '.join(done)}" if done else "the tables are up to date")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(store, name="store")
