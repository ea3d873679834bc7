"""scoring schema docs and avro: what a schema looks like to its readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FOLDER = typer.Option(help="Folder with <event>/v<N>.json.")


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command()(docs)
    app.command()(avro)


def docs(
    folder: Annotated[Path, typer.Argument(help="Folder with <event>/v<N>.json.")] = Path("schemas"),
    out: Annotated[Path, typer.Option(help="Folder for the pages, one <event>.html each.")] = Path("var/schema_docs"),
) -> None:
    """Write a page for each event: fields, units, owners, sensitivity, an example, and what changed from version to version."""
    from streaming.contracts.versions import event_versions
    from streaming.report.schema_page import write_schema

    for event, versions in event_versions(folder).items():
        page = out / f"{event}.html"
        write_schema(versions, page)
        typer.echo(f"{page}: {len(versions)} version{'' if len(versions) == 1 else 's'}, {len(versions[-1].fields)} fields")


def avro(
    name: Annotated[str, typer.Argument(help="EVENT/VERSION, as credit/1, or a file.")],
    folder: Annotated[Path, FOLDER] = Path("schemas"),
) -> None:
    """Write the Avro schema of an event, for producers that write Avro."""
    import json

    from streaming.contracts import load_contract
    from streaming.contracts.avro import avro_schema
    from streaming.contracts.versions import named_schema

    typer.echo(json.dumps(avro_schema(load_contract(named_schema(name, folder))), indent=2, ensure_ascii=False))
