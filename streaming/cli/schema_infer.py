"""scoring schema infer: a first schema from data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streaming.contracts.infer import Form
    from streaming.contracts.statistics.column import Block


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command()(infer)


def infer(
    source: Annotated[
        str, typer.Argument(help="Data: a file (.csv, .jsonl, also .gz, .parquet, .arrow), or a topic of the brokers in --config.")
    ] = "",
    topic: Annotated[str, typer.Option(help="The topic, where its name looks like a file's.")] = "",
    last: Annotated[int, typer.Option(min=1, help="The newest messages of the topic to look at.")] = 10_000,
    event: Annotated[str, typer.Option(help="Name of the event; by default the file's or the topic's.")] = "",
    entity: Annotated[str, typer.Option(help="Field that names whom the event is about.")] = "",
    event_time: Annotated[str, typer.Option(help="Field with the event's time.")] = "",
    event_id: Annotated[str, typer.Option(help="Field that names the event.")] = "",
    target: Annotated[str, typer.Option(help="Field that training predicts; events carry it in training data only.")] = "",
    positive: Annotated[str, typer.Option(help="Class of the target that is predicted.")] = "",
    metadata: Annotated[list[str] | None, typer.Option(help="Field that no model may read; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write, <event>/v1.json; by default standard output.")] = None,
    config: Annotated[Path, typer.Option(help="Configuration file, for --topic.")] = Path("conf/local.toml"),
) -> None:
    """Write a first schema for data: types, closed lists, ranges with room, presence. Each guess is marked `review: …`.

    Without --entity and --event-time the candidates for them are named in the schema's $comment; it is no contract yet.
    """
    import json

    from streaming.contracts.draft import write_new
    from streaming.contracts.infer import Roles
    from streaming.contracts.infer import infer as infer_schema

    if bool(source) == bool(topic):
        raise typer.BadParameter("name a file or a topic")
    file, topic = _file_or_topic(source) if source else (None, topic)
    name = event or (out.parent.name if out else topic or _stem(file))
    roles = Roles(entity, event_time, event_id, target, positive, tuple(metadata or ()))
    document = infer_schema(_blocks(file, topic, last, config), name, roles, form=_form(file))
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    write_new(out, text, "name another file with --out")
    found = f"{len(document['properties'])} fields in {out}; review what is marked, then `scoring schema check {out.parent.parent}`"
    typer.echo(found if entity and event_time else f"{found}. {document['$comment']}")


def _form(file: Path | None) -> Form:
    if file is None or {".jsonl", ".ndjson"} & set(file.suffixes):
        return "events"
    return "csv" if file.suffix == ".csv" else "table"


def _file_or_topic(source: str) -> tuple[Path | None, str]:
    """A name without a folder and an ending that is no file is a topic's."""
    path = Path(source)
    is_topic = not path.exists() and path.name == source and not path.suffix
    return (None, source) if is_topic else (path, "")


def _stem(file: Path | None) -> str:
    return file.name.split(".")[0] if file else ""


def _blocks(file: Path | None, topic: str, last: int, config: Path) -> Iterable[Block]:
    from streaming.contracts.statistics.source import blocks_of_messages, read_blocks

    if file is not None:
        return read_blocks(file)
    from streaming.config import load_settings
    from streaming.kafka.topic_span import newest

    return blocks_of_messages(newest(load_settings(config).kafka, topic, last))
