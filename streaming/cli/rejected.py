"""`scoring rejected`: rejected events, why they were rejected, and sending them again after a mend."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.cli.rejected_options import Asked, selecting, selection_of

if TYPE_CHECKING:
    from streaming.replay.rejection import Address, Rejection
    from streaming.settings import Settings

rejected = typer.Typer(no_args_is_help=True, help="Rejected events: list, page, show, count, and replay after a mend.")

Config = Annotated[Path, typer.Option(help="Configuration file of the service.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result as one JSON value.")]
_CONFIG = Path("conf/local.toml")


def register(app: typer.Typer) -> None:
    """Add the command group `rejected`."""
    app.add_typer(rejected, name="rejected")


def predicted_of(settings: Settings, addresses: list[Address]) -> set[Address]:
    """Those of the addresses that the configuration's deployment has a prediction of. Raises Unavailable, StoreError, ConfigError."""
    from streaming.models.deployment import load_deployment
    from streaming.replay.selection import with_prediction

    return with_prediction(settings.store, load_deployment(settings.deployment).name, addresses)


def hint(address: str, config: Path) -> str:
    """The command that shows an event under the same configuration."""
    return f"scoring rejected show {address}" + ("" if config == _CONFIG else f" --config {shlex.quote(str(config))}")


def _found(settings: Settings, asked: Asked) -> tuple[list[Rejection], set[Address]]:
    """The rejections that options ask for, and the addresses of those that have a prediction by now."""
    from streaming.replay.run import select

    found = select(settings, selection_of(asked))
    return found, predicted_of(settings, [rejection.address for rejection in found])


@rejected.command("list")
@selecting
def list_groups(
    asked: Asked,
    config: Config = _CONFIG,
    as_json: AsJson = False,
) -> None:
    """Group rejected events by what they have in common, the largest group first.

    An event counts once, with its last reason, however often it was tried; mended: it has a prediction by now.
    """
    import msgspec

    from streaming.config import load_settings
    from streaming.replay.groups import grouped

    settings = load_settings(config)
    found, predicted = _found(settings, asked)
    groups = grouped(found, predicted)
    if as_json:
        typer.echo(msgspec.json.encode(groups))
        return
    for group in groups:
        typer.echo(f"{group.line}\n    for example {group.example}: {hint(group.example, config)}")
    if not groups:
        typer.echo("nothing is rejected")


@rejected.command()
@selecting
def page(
    asked: Asked,
    out: Annotated[Path, typer.Option(help="Where the page is written; folders are made.")] = Path("var/rejected.html"),
    config: Config = _CONFIG,
) -> None:
    """Write what `list` says to one HTML file, which opens from disk without a network."""
    from streaming.config import load_settings
    from streaming.replay.groups import grouped
    from streaming.report.rejected_page import write_rejected

    settings = load_settings(config)
    found, predicted = _found(settings, asked)
    groups = grouped(found, predicted)
    write_rejected(settings.topics.event, groups, out)
    typer.echo(f"{out}: {len(found):,} events of {len(groups)} cause{'' if len(groups) == 1 else 's'}")


@rejected.command()
def show(
    address: Annotated[str, typer.Argument(help="topic/partition/offset where the event first came, or partition/offset.")],
    config: Config = _CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one rejected event in full: each rejection, its key, headers and value, escaped so that a terminal is safe."""
    from streaming.config import load_settings
    from streaming.replay.page import address_of, as_fields, told_of
    from streaming.replay.page import page as event_page

    settings = load_settings(config)
    place = address_of(address, settings.topics.event)
    messages = told_of(settings, place)
    predicted = bool(predicted_of(settings, [place]))
    typer.echo(json.dumps(as_fields(messages, mended=predicted)) if as_json else event_page(messages, mended=predicted))


@rejected.command()
@selecting
def stats(
    asked: Asked,
    config: Config = _CONFIG,
    as_json: AsJson = False,
) -> None:
    """Count rejected events by reason, path, schema version, producer, stage and attempt; each event once."""
    from streaming.config import load_settings
    from streaming.replay.groups import counts

    settings = load_settings(config)
    found, predicted = _found(settings, asked)
    tables = counts(found)
    if as_json:
        typer.echo(json.dumps({"events": len(found), "mended": len(predicted), **tables}))
        return
    typer.echo(f"{len(found):,} events rejected, {len(predicted):,} of them mended since")
    for name, table in tables.items():
        typer.echo(f"by {name.replace('_', ' ')}")
        for value, events in table.items():
            typer.echo(f"  {events:>9,}  {value or '(the whole event)'}")


@rejected.command()
@selecting
def replay(
    asked: Asked,
    mapping: Annotated[Path | None, typer.Option("--map", help="Mapping file (TOML): rename, replace, cast, default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run/--yes", help="Only say what would become of them; --yes sends them.")] = True,
    rate: Annotated[float, typer.Option(min=0.1, help="Most events a second.")] = 1000,
    state: Annotated[Path, typer.Option(help="Folder that remembers replays: one file each, with the mapping.")] = Path("var/replay"),
    config: Config = _CONFIG,
    as_json: AsJson = False,
) -> None:
    """Send rejected events again, after a mend of the schema or through a mapping. A dry run unless --yes is given.

    Events with a prediction are left out. Killed in the middle: the same command goes on where it stopped.
    """
    from streaming.cli.rejected_replay import dry, publish
    from streaming.config import load_settings

    settings = load_settings(config)
    if dry_run:
        dry(settings, selection_of(asked), mapping, as_json=as_json)
    else:
        publish(settings, asked, selection_of(asked), mapping, rate=rate, folder=state, as_json=as_json)
