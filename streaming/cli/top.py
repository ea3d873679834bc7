"""`scoring top`: the live terminal page of a service."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.report.reader import Reader
    from streaming.settings import Settings

REFRESH_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("top")(top)


def top(
    config: Annotated[Path, typer.Option(help="Configuration file of the service.")] = Path("conf/local.toml"),
    once: Annotated[bool, typer.Option("--once", help="Print the page once and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one frame as a JSON object and leave.")] = False,
) -> None:
    """Keep showing how a running service does: events, rejections, latency, lag, drift, and who is most at risk.

    Ctrl-C leaves. Reads the metrics and alerts topics and the operational store; changes nothing.
    """
    import msgspec
    from rich.console import Console

    from streaming.config import load_settings
    from streaming.report.frame import frame_of
    from streaming.report.page import render
    from streaming.report.reader import open_reader

    settings = load_settings(config)
    try:
        with open_reader(settings) as reader:
            reader.catch_up()
            if as_json:
                typer.echo(msgspec.json.encode(frame_of(reader, settings)))
            elif once:
                Console().print(render(frame_of(reader, settings)))
            else:
                _follow(reader, settings)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _follow(reader: Reader, settings: Settings) -> None:
    """Draw the page anew each half second until Ctrl-C."""
    from rich.live import Live

    from streaming.report.frame import frame_of
    from streaming.report.page import render

    # A flag, not KeyboardInterrupt: raised inside one of librdkafka's callbacks it would come out as another error.
    leaving = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: leaving.set())
    with Live(render(frame_of(reader, settings)), screen=True, auto_refresh=False) as live:
        while not leaving.is_set():
            reader.poll(REFRESH_S)
            live.update(render(frame_of(reader, settings)), refresh=True)
