"""scoring schema diff and publish: what changes from version to version, and when it becomes final."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.contracts.differences import Change
    from streaming.contracts.evolution import Break

FOLDER = typer.Option(help="Folder with <event>/v<N>.json and CHECKSUMS.")


class Compatible(StrEnum):
    """What the versions of an event are held to."""

    backward = "backward"
    forward = "forward"
    full = "full"


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command()(diff)
    app.command()(publish)


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The older version: EVENT/VERSION, as credit/1, or a file.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The newer version.")],
    folder: Annotated[Path, FOLDER] = Path("schemas"),
    as_json: Annotated[bool, typer.Option("--json", help="Write the changes as one JSON array.")] = False,
) -> None:
    """Tell each change from one version of an event to another, and who breaks by it.

    Old producers break when events of version A are refused by B, after B's defaults and renames; old consumers break when
    events of B are refused by A.
    """
    import msgspec

    from streaming.contracts import load_contract
    from streaming.contracts.differences import differences
    from streaming.contracts.versions import named_schema

    before, after = load_contract(named_schema(old, folder)), load_contract(named_schema(new, folder))
    changes = differences(before, after)
    if as_json:
        typer.echo(msgspec.json.encode(changes).decode())
    elif not changes:
        typer.echo(f"{old} and {new} do not differ")
    else:
        _print_table(f"{before.event} v{before.version} → {after.event} v{after.version}", changes)


def publish(
    name: Annotated[str, typer.Argument(help="The draft: EVENT/VERSION, as credit/2, or a file.")],
    folder: Annotated[Path, FOLDER] = Path("schemas"),
    compatibility: Annotated[Compatible, typer.Option(help="What it must be to the version before it.")] = Compatible.backward,
    transitive: Annotated[bool, typer.Option("--transitive", help="To all versions before it.")] = False,
    allow_breaking: Annotated[bool, typer.Option("--allow-breaking", help="Publish although somebody breaks; who is told.")] = False,
) -> None:
    """Publish a draft: from then on its file never changes.

    Refuses one that is not compatible with the version before it, or whose version before it is a draft.
    """
    from streaming.contracts.versions import named_schema, publish_one

    path = named_schema(name, folder)
    allowed = publish_one(path, compatibility=compatibility.value, transitive=transitive, allow_breaking=allow_breaking)
    for found in allowed:
        typer.echo(f"allowed: {found.message}")
    typer.echo(f"published {name}")


def tell_breaks(breaks: dict[str, list[Break]]) -> None:
    """A line for each break."""
    for event, found in breaks.items():
        for one in found:
            typer.echo(f"{event} v{one.older} → v{one.newer}: {one.message}")


def _print_table(title: str, changes: list[Change]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in ("where", "change", "who breaks", "to mend it"):
        table.add_column(column, overflow="fold")
    for change in changes:
        who = ", ".join(change.breaks) + (" (undecidable)" if change.undecided else "")
        # What a schema says is text, not markup.
        table.add_row(*(Text(cell) for cell in (change.path or "event", change.told, who or "nobody", "; ".join(change.mend))))
    Console().print(table)
