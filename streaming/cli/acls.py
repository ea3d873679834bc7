"""`scoring topics acls`: what each client needs at the brokers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

# Whoever prints the list need not have the secrets of these tables; their env: and file: texts are not looked up.
_UNUSED = ("kafka", "store", "sinks", "registry", "schema_registry", "stream", "drift", "spark")
HELP = "A role, or ROLE=PRINCIPAL to name who plays it (score-events=User:churn); all roles by default. May be given several times."


def acls(
    principal: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    config: Annotated[Path, typer.Option(help="Configuration file.")] = Path("conf/local.toml"),
) -> None:
    """Print, as calls of Kafka's kafka-acls, what each client of this service needs at the brokers, and nothing more.

    Roles: operator (scoring topics create), score-events, detect-drift, producer, replay (scoring rejected), report (scoring
    report, scoring top), validate-data. The call's admin.properties holds the login of whoever may change ACLs. Contacts nobody.
    """
    from streaming.config import load_settings
    from streaming.kafka.acls import ROLES, command, grants, role_of
    from streaming.models.deployment import load_deployment

    settings = load_settings(config, without=_UNUSED)
    deployment = load_deployment(settings.deployment).name
    wanted = [(role_of(role), name or f"User:{role}") for role, _, name in (text.partition("=") for text in principal or ROLES)]
    found = [(grant, name) for role, name in wanted for grant in grants(settings, deployment, role)]
    if as_json:
        typer.echo(json.dumps([grant._asdict() | {"principal": name} for grant, name in found]))
        return
    where = settings.kafka.bootstrap_servers
    for grant, name in found:
        typer.echo(command(grant, name, "BROKERS" if where.startswith(("env:", "file:")) else where))


def register(topics: typer.Typer) -> None:
    """Add the command to the group `topics`."""
    topics.command()(acls)
