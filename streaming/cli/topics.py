"""`scoring topics`: the Kafka topics of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streaming.cli import acls

topics = typer.Typer(help="Kafka topics of a configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    acls.register(topics)
    app.add_typer(topics, name="topics")


@topics.callback()
def _group() -> None:
    """Kafka topics of a configuration."""


@topics.command()
def create(config: Annotated[Path, typer.Option(help="Configuration file.")] = Path("conf/local.toml")) -> None:
    """Create the event, rejected, replay, metrics, alerts and labels topics that are not there yet; the others are left as they are."""
    from streaming.config import load_settings
    from streaming.kafka.topics import create_topics

    created = create_topics(load_settings(config))
    typer.echo(f"created {', '.join(created)}" if created else "all topics are there")
