"""`scoring up`, `scoring down`, `scoring status`: Kafka and a store on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.local.services import ServiceStatus
    from streaming.settings import StoreKind

Home = Annotated[Path, typer.Option(help="Folder that holds the services' data, logs and addresses.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    home: Home = Path("var"),
    hbase: Annotated[bool, typer.Option("--hbase", help="Start HBase too; its archives (115 MB) are fetched the first time.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> None:
    """Start a Kafka broker and a PostgreSQL server on 127.0.0.1, and wait until both answer.

    They go on when this command ends; a second call changes nothing. Their addresses lie in run/kafka.bootstrap and run/postgres.dsn
    under the home folder, where conf/local.toml reads them; HBase's in run/hbase.thrift and run/hbase.thrift2, for conf/local-hbase.toml.
    """
    from streaming.local import services

    stores: tuple[StoreKind, ...] = ("postgres", "hbase") if hbase else ("postgres",)
    started = services.up(home, say=lambda line: None if as_json else typer.echo(line), stores=stores)
    if as_json:
        told = {"bootstrap": started.bootstrap, "dsn_file": str(home / "run" / "postgres.dsn")}
        typer.echo(json.dumps(told | ({"hbase": started.hbase} if hbase else {})))


def down(home: Home = Path("var")) -> None:
    """Stop what `scoring up` started; data and ports are kept for the next time. A second call changes nothing."""
    from streaming.local import services

    stopped = services.down(home)
    typer.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def status(home: Home = Path("var"), as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON.")] = False) -> None:
    """Show whether the services and the jobs of this machine run and answer. Exit code 1 if one of them does not."""
    from streaming.local import job_status, services

    found = [*services.status(home), *job_status.jobs(home)]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        _show(found)
    if not all(one.running for one in found):
        raise typer.Exit(1)


def _show(found: list[ServiceStatus]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("service", "", "pid", "port", "detail")
    for one in found:
        running = "[green]running[/]" if one.running else "[red]down[/]"
        table.add_row(one.name, running, str(one.pid or ""), str(one.port or ""), one.detail)
    Console().print(table)
