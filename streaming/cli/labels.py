"""`scoring labels`: what came of predictions: send it, and see where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from streaming.truth.label_file import Read

labels = typer.Typer(help="Labels: what came of predictions.", no_args_is_help=True)
Config = Annotated[Path, typer.Option(help="configuration file")]
FAULTS_SHOWN = 10
SENT_AT_ONCE = 5000


@labels.callback()
def _group() -> None:
    """Labels: what came of predictions."""


@labels.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="labels: .csv, .parquet, .jsonl or .ndjson")],
    config: Config = Path("conf/local.toml"),
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="FIELD=COLUMN where the file has another name for a field of a label; may be repeated"),
    ] = None,
    observed_at: Annotated[str, typer.Option(help="when it became known, for a file that does not say so")] = "",
    source: Annotated[str, typer.Option(help="who says so, for a file that does not")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="read and check the file, and send nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the same as JSON")] = False,
) -> None:
    """Send the labels of a file to the topic of labels, where the label join takes them.

    A row names a prediction (prediction_id) or an entity and a time (entity_id, outcome_at), and has label and observed_at. The same
    file again changes nothing: equal labels are one. Exit code 1 if a row is no label; the others are sent.
    """
    import json

    from streaming.config import load_settings
    from streaming.errors import ConfigError
    from streaming.models.deployment import load_deployment
    from streaming.service.join_labels import WITHOUT
    from streaming.truth.label import moment
    from streaming.truth.label_file import read_labels

    settings = load_settings(config, without=(*WITHOUT, "store"))
    try:
        defaults = {"observed_at": moment(observed_at)} if observed_at else {}
    except ValueError:
        raise ConfigError(f"--observed-at {observed_at} is not a time; expected one such as 2026-01-02T03:04:05Z") from None
    given = defaults | ({"source": source} if source else {})
    rows = read_labels(file, load_deployment(settings.deployment).name, columns=_pairs(columns or []), defaults=given)
    sent, faults = _send(rows, None if dry_run else settings)
    if as_json:
        typer.echo(json.dumps({"labels": sent, "faults": [{"row": one.row, "fault": one.fault} for one in faults], "sent": not dry_run}))
    else:
        where = "are right" if dry_run else f"sent to {settings.topics.of('labels')}"
        typer.echo(f"{sent} labels {where}; {len(faults)} rows are no labels")
        for one in faults[:FAULTS_SHOWN]:
            typer.echo(f"row {one.row}: {one.fault}", err=True)
    if faults:
        raise typer.Exit(1)


@labels.command()
def status(
    config: Config = Path("conf/local.toml"), as_json: Annotated[bool, typer.Option("--json", help="the same as JSON")] = False
) -> None:
    """Show how many labels came to what, how many wait for their prediction, and how many windows are still to be computed."""
    import msgspec

    from streaming.cli.quality import asked
    from streaming.truth.label_state import label_state

    state = asked(config, label_state)
    if as_json:
        typer.echo(msgspec.json.encode(state))
        return
    for name, value in msgspec.structs.asdict(state).items():
        if name != "counts":
            typer.echo(f"{name.replace('_', ' ')}: {'-' if value is None else value}")
    typer.echo(f"came to: {', '.join(f'{count} {verdict}' for verdict, count in state.counts.items()) or 'nothing yet'}")


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    app.add_typer(labels, name="labels")


def _pairs(texts: list[str]) -> dict[str, str]:
    from streaming.errors import ConfigError

    pairs = {field: column for field, _, column in (text.partition("=") for text in texts)}
    if wrong := [text for text in texts if "=" not in text]:
        raise ConfigError(f"--column {wrong[0]}: expected FIELD=COLUMN, such as label=churned")
    return pairs


def _send(rows: Any, settings: Any) -> tuple[int, list[Read]]:
    """Send what is a label, a piece of the file at a time; with no settings only count. Returns how many, and the rows that are none."""
    from itertools import islice

    from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing
    from streaming.truth.label import encode

    topic = settings and AcknowledgedTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client, compression="lz4")
    sent, faults = 0, []
    while piece := list(islice(rows, SENT_AT_ONCE)):
        faults += [one for one in piece if one.label is None]
        found = [one.label for one in piece if one.label is not None]
        if topic:
            topic.send(
                settings.topics.of("labels"), (Outgoing(encode(one), (one.entity_id or one.prediction_id or "").encode()) for one in found)
            )
        sent += len(found)
    return sent, faults
