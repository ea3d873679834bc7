"""`scoring train`: train, measure and register a deployment's model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.models.artifact import Manifest
    from streaming.models.registry import ExactVersion

MEANINGS = {
    "auroc": "AUROC: share of pairs ranked rightly",
    "average_precision": "average precision",
    "log_loss": "log loss (nats, lower is better)",
}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("train")(train)


def train(
    config: Annotated[Path, typer.Option(help="Configuration file; says where the registry is.")] = Path("conf/local.toml"),
    data: Annotated[Path, typer.Option(help="The table, CSV: a column for each feature of the event, and the target.")] = Path(
        "examples/churn/telco_churn.csv"
    ),
    deployment: Annotated[Path | None, typer.Option(help="Deployment file; by default that of the configuration.")] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="First hold the table to its contract, row by row, with Great Expectations: seconds.")
    ] = True,
    slices: Annotated[list[str] | None, typer.Option("--slice", help="Watch drift by this feature's values too; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print version, checksum and metrics as JSON.")] = False,
) -> None:
    """Train a deployment's model on 70 % of a table, measure it on the rest, and register it for serving.

    Features and target are those of the event's schema (x-role). The model goes to the MLflow registry of the configuration
    file, under the name and alias that the deployment serves. A table that breaks the schema is refused.
    Running jobs take the new version with their next micro-batch.
    """
    from streaming.config import load_settings
    from streaming.local.table import train_table

    version, artifact = train_table(load_settings(config), data, deployment, check=check, slices=slices or ())
    if as_json:
        typer.echo(json.dumps(_summary(version, artifact.manifest)))
    else:
        _print_table(version, artifact.manifest)


def _summary(version: ExactVersion, manifest: Manifest) -> dict[str, object]:
    return {
        "model": version.name,
        "version": version.version,
        "sha256": version.sha256,
        "schema": f"{manifest.event}/v{manifest.schema_version}",
        "training_rows": manifest.training_rows,
        "metrics": manifest.metrics,
    }


def _print_table(version: ExactVersion, manifest: Manifest) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = int(manifest.metrics["held_out_rows"])
    table = Table(title=f"{version.name} version {version.version}, on {rows:,} held-out rows", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for metric, meaning in MEANINGS.items():
        table.add_row(meaning, f"{manifest.metrics[metric]:.4f}")
    console = Console()
    console.print(table)
    console.print(
        f"trained on {manifest.training_rows:,} rows, sha256 {version.sha256[:12]}…, reads {manifest.event} v{manifest.schema_version}"
    )
