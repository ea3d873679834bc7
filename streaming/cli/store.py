"""`scoring store`: tables of the operational store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.settings import Store

store = typer.Typer(help="Tables of the operational store.", no_args_is_help=True)
Config = Annotated[Path, typer.Option(help="configuration file")]
OwnerDsn = Annotated[
    str,
    typer.Option(
        envvar="SCORING_OWNER_DSN",
        show_envvar=True,
        help="connection string of the tables' owner, where store.dsn is a writer's; give it in the environment, not as an argument",
    ),
]


@store.callback()
def _group() -> None:
    """Tables of the operational store."""


@store.command()
def migrate(
    config: Config = Path("conf/local.toml"),
    writer: Annotated[str, typer.Option(help="PostgreSQL role that gets what the jobs need; made without a login if it is not there")] = "",
    reader: Annotated[str, typer.Option(help="PostgreSQL role that may read the tables; likewise")] = "",
    owner_dsn: OwnerDsn = "",
) -> None:
    """Bring the tables to this release's version; a second call changes nothing.

    With --writer or --reader these roles get exactly the rights they need, each time: make login roles members of them. Without
    the options, those of the configuration (store.writer, store.reader).
    """
    from streaming.sinks.roles import grant
    from streaming.sinks.stores import migrate_stores

    settings = _store(config, owner_dsn)
    done = migrate_stores(settings)
    typer.echo(f"applied {', '.join(done)}" if done else "the tables are up to date")
    writer, reader = writer or settings.writer, reader or settings.reader
    if (writer or reader) and "postgres" in settings.kinds:
        made = grant(settings.dsn.get_secret_value(), writer=writer, reader=reader)
        typer.echo(f"rights given: {', '.join(f'{role} (made)' if role in made else role for role in (writer, reader) if role)}")


@store.command()
def retain(
    config: Config = Path("conf/local.toml"),
    months: Annotated[int, typer.Option(min=0, help="whole months to keep beside this one; 0: store.retention_months")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the same as JSON")] = False,
    owner_dsn: OwnerDsn = "",
) -> None:
    """Drop predictions that are old enough: months of them as whole partitions, stray ones and summaries of rejections row by row.

    Current predictions and the deployment log stay. The scoring job does the same daily where its role owns the tables.
    """
    import json
    from datetime import UTC, datetime

    from streaming.errors import ConfigError
    from streaming.sinks import retention

    settings = _store(config, owner_dsn)
    if "postgres" not in settings.kinds:
        raise ConfigError(f"{config}: only postgres is cleared by this command; HBase drops old rows by store.hbase.history_ttl_days")
    if not (kept := months or settings.retention_months):
        raise ConfigError(f"{config}: store.retention_months is 0: everything is kept; set it there or by --months")
    went = retention.retain(settings.dsn.get_secret_value(), kept, datetime.now(UTC), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(went._asdict()))
        return
    rows = ", ".join(f"{count} rows of {table}" for table, count in went.rows.items())
    typer.echo(f"{'would drop' if dry_run else 'dropped'} {', '.join(went.partitions) or 'no partition'}; {rows}")


def _store(config: Path, owner_dsn: str) -> Store:
    """The store of the configuration, with the owner's connection string where one is given."""
    from pydantic import SecretStr

    from streaming.config import load_settings

    settings = load_settings(config).store
    return settings.model_copy(update={"dsn": SecretStr(owner_dsn)}) if owner_dsn else settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(store, name="store")
