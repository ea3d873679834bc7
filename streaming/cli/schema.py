"""scoring schema: check the schemas of a project, and events against a schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from streaming.cli import schema_docs, schema_expectations, schema_infer, schema_serve, schema_validate, schema_versions
from streaming.cli.schema_versions import Compatible

schema_app = typer.Typer(no_args_is_help=True, help="Schemas: infer, check, compare, publish, show them; hold events to one.")


def register(app: typer.Typer) -> None:
    """Add the command group `schema`."""
    for commands in (schema_versions, schema_infer, schema_docs, schema_validate, schema_expectations, schema_serve):
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
