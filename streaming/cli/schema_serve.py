"""`scoring schema serve`: the published schemas as a schema registry."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TopicKind(StrEnum):
    """What the subject of a topic lists."""

    json = "json"
    avro = "avro"


def serve(
    folder: Annotated[Path, typer.Argument(help="Folder with <event>/v<N>.json and CHECKSUMS.")] = Path("schemas"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8081,
    host: Annotated[str, typer.Option(help="Address to bind to; beyond loopback put a proxy with TLS in front.")] = "127.0.0.1",
    topic: Annotated[list[str] | None, typer.Option(help="TOPIC=EVENT where a topic is not named like its event; may repeat.")] = None,
    kind: Annotated[TopicKind, typer.Option(help="Schemas that <topic>-value lists; found by their text are both.")] = TopicKind.json,
    authorization: Annotated[
        str, typer.Option(envvar="SCORING_SCHEMA_AUTHORIZATION", help='Header that requests must carry: "Basic …" or "Bearer …".')
    ] = "",
) -> None:
    """Serve the published schemas over the REST API of Confluent's schema registry, read only, until Ctrl-C or SIGTERM.

    Producers and consumers with Confluent's serializers point their schema.registry.url at it. Schemas published later are
    served after a restart; their ids never change. A draft is not served: publish it first.
    """
    import signal
    import threading

    from streaming.contracts.published import PublishedSchemas
    from streaming.logs import set_up_logs
    from streaming.schema_server.api import SchemaApi
    from streaming.schema_server.server import SchemaServer
    from streaming.settings import Log

    topics = dict(_pair(text) for text in topic or [])
    schemas = PublishedSchemas(folder, topics=topics, topic_kind="AVRO" if kind is TopicKind.avro else "JSON")
    server = SchemaServer(SchemaApi(schemas), host=host, port=port, authorization=authorization)
    set_up_logs(Log())
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server:
        typer.echo(f"{len(schemas.by_id)} schemas in {len(schemas.subjects)} subjects at {server.url}; Ctrl-C ends it")
        ended.wait()


def _pair(text: str) -> tuple[str, str]:
    topic, equals, event = text.partition("=")
    if not (topic and equals and event):
        raise typer.BadParameter(f"{text!r} is not TOPIC=EVENT, as activity=customer_activity")
    return topic, event


def register(app: typer.Typer) -> None:
    """Add the command to the group `schema`."""
    app.command()(serve)
