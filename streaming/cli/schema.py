"""scoring schema: check the schemas of a project, and events against a schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streaming.cli import schema_docs, schema_infer, schema_serve, schema_versions
from streaming.cli.schema_versions import Compatible

schema_app = typer.Typer(no_args_is_help=True, help="Schemas: infer, check, compare, publish, show them; hold events to one.")


def register(app: typer.Typer) -> None:
    """Add the command group `schema`."""
    for commands in (schema_versions, schema_infer, schema_docs, schema_serve):
        commands.register(schema_app)
    app.add_typer(schema_app, name="schema")


@schema_app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with <event>/v<N>.json and CHECKSUMS.")] = Path("schemas"),
    publish: Annotated[bool, typer.Option("--publish", help="Add drafts to CHECKSUMS: from then on they never change.")] = False,
    compatibility: Annotated[
        Compatible | None, typer.Option(help="What each version of an event must be to the one before it; by default backward, of drafts.")
    ] = None,
    transitive: Annotated[bool, typer.Option("--transitive", help="To all versions before it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write states and breaks as one JSON object.")] = False,
) -> None:
    """Check every schema in a folder: it can be used as a contract, no published version was changed, versions go together.

    backward: events of the older version, after the newer one's defaults and renames, are valid under the newer one (else old
    producers break). forward: events of the newer version are valid under the older one (else old consumers break). full: both.
    Each break is a line that says who breaks and how to mend it; exit code 1 if there is one. Without --compatibility a break
    between versions that are both published is told, and is no failure: it was allowed when they were published.
    """
    import msgspec

    from streaming.contracts.checksums import check_folder
    from streaming.contracts.checksums import publish as publish_drafts
    from streaming.contracts.versions import breaks_in_folder

    states = check_folder(folder)
    breaks = breaks_in_folder(folder, compatibility.value if compatibility else "backward", transitive=transitive)
    failed = any(compatibility or states[f"{event}/v{one.newer}.json"] == "draft" for event, found in breaks.items() for one in found)
    if publish and not failed:
        publish_drafts(folder)
        states = check_folder(folder)
    if as_json:
        told = {event: [{**msgspec.to_builtins(one), "message": one.message} for one in found] for event, found in breaks.items()}
        typer.echo(json.dumps({"schemas": states, "breaks": told}))
    else:
        for name, state in states.items():
            typer.echo(f"{name}: {state}")
        schema_versions.tell_breaks(breaks)
    if failed:
        raise typer.Exit(1)


class Environment(StrEnum):
    """Where events are used; a target stands in those of training only."""

    serving = "serving"
    training = "training"


@schema_app.command()
def validate(
    schema: Annotated[Path, typer.Argument(help="Schema of the event, <event>/v<N>.json.")],
    file: Annotated[Path, typer.Argument(help="Events, one JSON text a line; - reads standard input. With --raw also a folder.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="A whole file is one event, byte for byte as in a message; in a folder each file, by name.")
    ] = False,
    environment: Annotated[Environment, typer.Option(help="training: targets are fields of the event.")] = Environment.serving,
) -> None:
    """Write a verdict for each event, one line of JSON; exit code 1 if any event is invalid.

    A verdict: {"line":1,"valid":false,"reasons":[{"path":"/tenure","rule":"minimum","value":"-1"}]}

    line counts the events from 1; for the files of a folder, "file" names the file too.
    """
    from streaming.contracts import load_contract

    contract = load_contract(schema, environment.value)
    all_valid = True
    for line, (event, named) in enumerate(_events(file, raw), start=1):
        reasons = contract.check(event)
        all_valid &= not reasons
        told = [{"path": reason.path, "rule": reason.rule, "value": reason.value} for reason in reasons]
        typer.echo(json.dumps({"line": line, **named, "valid": not reasons, "reasons": told}, separators=(",", ":")))
    if not all_valid:
        raise typer.Exit(1)


def _events(file: Path, raw: bool) -> Iterable[tuple[bytes, dict[str, str]]]:
    """Events, each with what its verdict names beside its line."""
    if file.is_dir():
        if not raw:
            raise typer.BadParameter(f"{file} is a folder; --raw takes each file in it as one event")
        yield from ((_content(path), {"file": path.name}) for path in sorted(file.iterdir()) if path.is_file())
        return
    content = _content(file)
    if raw:
        yield content, {}
    elif content:
        yield from ((line.removesuffix(b"\r"), {}) for line in content.removesuffix(b"\n").split(b"\n"))


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
