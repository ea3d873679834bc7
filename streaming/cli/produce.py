"""`scoring produce`: the demo's traffic by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def produce(
    events: Annotated[int, typer.Option(min=1, help="Messages to send.")] = 1000,
    rate: Annotated[float, typer.Option(min=0.1, help="Messages a second.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the traffic: the same seed breaks the same events.")] = 7,
    shift: Annotated[bool, typer.Option(help="Shift the population from the middle on.")] = False,
    broken: Annotated[float, typer.Option(min=0, max=1, help="Share of broken messages.")] = 0.02,
    ledger: Annotated[Path, typer.Option(help="File for a JSON line for each acknowledged message.")] = Path("var/ledger.jsonl"),
    data: Annotated[Path, typer.Option(help="The churn table, CSV.")] = Path("examples/churn/telco_churn.csv"),
    config: Annotated[Path, typer.Option(help="Configuration file.")] = Path("conf/local.toml"),
) -> None:
    """Send customers' activity to the event topic at a steady rate, and keep a ledger of what was acknowledged."""
    from datetime import UTC, datetime

    from rich.progress import Progress

    from streaming.config import load_settings
    from streaming.local.publish import publish
    from streaming.local.telco import event_fields, load_telco, split
    from streaming.local.traffic import Mix, Traffic

    settings = load_settings(config)
    customers = event_fields(split(load_telco(data))[1])
    traffic = Traffic(customers, events, lambda: datetime.now(UTC), seed, Mix(broken=broken, shift=shift))
    with Progress() as progress:
        task = progress.add_task("sent", total=events)
        published = publish(settings, traffic, ledger, rate=rate, sent=lambda n: progress.update(task, completed=n))
    typer.echo(f"{published.acknowledged:,} messages acknowledged on {settings.topics.event}; ledger: {ledger}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(produce)
