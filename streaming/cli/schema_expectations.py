"""scoring schema expectations: a contract as a suite of Great Expectations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command()(expectations)


def expectations(
    name: Annotated[str, typer.Argument(help="EVENT/VERSION, as credit/1, or a file.")],
    folder: Annotated[Path, typer.Option(help="Folder with <event>/v<N>.json.")] = Path("schemas"),
    training: Annotated[bool, typer.Option("--training", help="The data are for training: the target stands in them.")] = False,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="The data lack ids and times (x-role metadata).")] = False,
) -> None:
    """Write the Great Expectations suite of a contract as JSON, for a project that runs Great Expectations itself.

    It is for frames as streaming.contracts.expectations.prepare_table makes them: beside each column `<field>` one
    `<field>.type` with the JSON type of the value. `scoring data expectations` runs it.
    """
    from streaming.contracts import load_contract
    from streaming.contracts.expectation_run import suite_json
    from streaming.contracts.expectations import expected_of, suite_name
    from streaming.contracts.versions import named_schema

    contract = load_contract(named_schema(name, folder), "training" if training else "serving")
    typer.echo(suite_json(expected_of(contract, metadata=not no_metadata), suite_name(contract)))
