"""scoring schema validate: a verdict for each event."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.cli.schema_docs import FOLDER
from streaming.errors import ScoringError

if TYPE_CHECKING:
    from streaming.contracts import Contract, Reason


class NoEvents(ScoringError):
    """There is nothing to validate: name a file that is there, or a folder with files in it."""


class Environment(StrEnum):
    """Where events are used; a target stands in those of training only."""

    serving = "serving"
    training = "training"


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command()(validate)


def validate(
    schema: Annotated[str, typer.Argument(help="Schema of the event: EVENT/VERSION, as credit/1, or a file.")],
    file: Annotated[Path, typer.Argument(help="Events, one JSON text a line; - reads standard input. With --raw also a folder.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="A whole file is one event, byte for byte as in a message; in a folder each file, by name.")
    ] = False,
    environment: Annotated[Environment, typer.Option(help="training: targets are fields of the event.")] = Environment.serving,
    folder: Annotated[Path, FOLDER] = Path("schemas"),
) -> None:
    """Write a verdict for each event, one line of JSON; exit code 1 if any event is invalid.

    A verdict: {"line":1,"valid":false,"reasons":[{"path":"/tenure","rule":"minimum","value":"-1"}]}

    line counts the events from 1; for the files of a folder, "file" names the file too.
    """
    from streaming.contracts import load_contract
    from streaming.contracts.versions import named_schema

    contract = load_contract(named_schema(schema, folder), environment.value)
    all_valid = True
    for line, (event, named) in enumerate(read_events(file, raw), start=1):
        reasons = _judged(contract, event)
        all_valid &= not reasons
        told = [{"path": reason.path, "rule": reason.rule, "value": reason.value} for reason in reasons]
        typer.echo(json.dumps({"line": line, **named, "valid": not reasons, "reasons": told}, separators=(",", ":")))
    if not all_valid:
        raise typer.Exit(1)


def _judged(contract: Contract, event: bytes) -> list[Reason]:
    """As the stream judges a message with this value."""
    from streaming.contracts import Reason

    return contract.check(event) if event else [Reason("", "empty_value")]


def read_events(file: Path, raw: bool) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Events, each with what its verdict names beside its line; of a file with many there is one in memory at a time."""
    if str(file) == "-":
        yield from ((event, {}) for event in ([sys.stdin.buffer.read()] if raw else map(_stripped, sys.stdin.buffer)))
        return
    try:
        if file.is_dir():
            yield from _files(file, raw)
        elif raw:
            yield file.read_bytes(), {}
        else:
            with file.open("rb") as lines:
                yield from ((_stripped(line), {}) for line in lines)
    except OSError as error:
        raise NoEvents(f"{error.filename or file}: cannot be read ({error.strerror}); name a file of events") from None


def _files(folder: Path, raw: bool) -> Iterator[tuple[bytes, dict[str, str]]]:
    if not raw:
        raise NoEvents(f"{folder}: is a folder; --raw takes each file in it as one event")
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    if not paths:
        raise NoEvents(f"{folder}: no file in it; name a folder of events, each a file")
    yield from ((path.read_bytes(), {"file": path.name}) for path in paths)


def _stripped(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
