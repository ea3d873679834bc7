"""scoring schema: check the schemas of a project, and events against a schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

schema_app = typer.Typer(no_args_is_help=True, help="Check schemas, and events against a schema.")


def register(app: typer.Typer) -> None:
    """Add the command group `schema`."""
    app.add_typer(schema_app, name="schema")


@schema_app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with <event>/v<N>.json and CHECKSUMS.")] = Path("schemas"),
    publish: Annotated[bool, typer.Option("--publish", help="Add drafts to CHECKSUMS: from then on they never change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the state of each schema as one JSON object.")] = False,
) -> None:
    """Check every schema in a folder: that it can be used as a contract, and that no published version was changed."""
    from streaming.contracts.checksums import check_folder
    from streaming.contracts.checksums import publish as publish_drafts

    if publish:
        publish_drafts(folder)
    states = check_folder(folder)
    if as_json:
        typer.echo(json.dumps(states))
        return
    for name, state in states.items():
        typer.echo(f"{name}: {state}")


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
