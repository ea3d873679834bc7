"""`scoring report`: the HTML report of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    config: Annotated[Path, typer.Option(help="Configuration file of the service.")] = Path("conf/local.toml"),
    out: Annotated[Path, typer.Option(help="Where the report is written; folders are made.")] = Path("var/report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and the key figures as one JSON object.")] = False,
) -> None:
    """Write what happened to one HTML file: drift by feature, the score over time, rejections, latency, alerts.

    Reads the metrics and alerts topics only; the file opens from disk, without a network.
    """
    import msgspec

    from streaming.config import load_settings
    from streaming.report.headline import headline
    from streaming.report.html import write
    from streaming.report.reader import open_reader

    with open_reader(load_settings(config)) as reader:
        story = reader.catch_up()
    write(story, out)
    figures = headline(story)
    if as_json:
        typer.echo(msgspec.json.encode({"report": str(out), **msgspec.to_builtins(figures)}))
    else:
        typer.echo(f"{out}: {figures.verdict}; {figures.scored:,} of {figures.events:,} events scored, {figures.rejected:,} rejected")
