"""`scoring quality`: how good predictions were, window by window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    import psycopg

    from streaming.metrics.quality_record import Figure, Quality, QualityGroup

T = TypeVar("T")
SHOWN = {
    "binary": ("auroc", "average_precision", "brier", "precision", "recall"),
    "regression": ("mae", "rmse", "r2", "mape"),
    "multiclass": ("auroc_macro", "log_loss", "accuracy", "f1_macro"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("quality")(quality)


def quality(
    config: Annotated[Path, typer.Option(help="configuration file")] = Path("conf/local.toml"),
    windows: Annotated[int, typer.Option(min=1, help="newest windows that are shown")] = 12,
    piece: Annotated[str, typer.Option("--slice", help="field=value, or * for every slice; without it the whole")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="the records whole, one JSON array")] = False,
) -> None:
    """Show the figures of the newest windows that labels came for, with their intervals, coverage and maturity.

    population: held_out are customers whom nobody acts upon, the unbiased share; not_acted are labels that say so.
    """
    import msgspec

    from streaming.truth import outbox

    found = asked(config, lambda c, name: outbox.newest(c, name, windows=windows, piece=None if piece == "*" else piece))
    if as_json:
        typer.echo(msgspec.json.encode(found))
    elif not found:
        typer.echo("no window has figures yet; `scoring labels status` says where labels stand")
    else:
        _show(found)


def asked(config: Path, question: Callable[[psycopg.Connection, str], T]) -> T:
    """Ask the store of a configuration about its deployment. Raises ConfigError, Unavailable, StoreError."""
    from streaming.config import load_settings
    from streaming.errors import ConfigError
    from streaming.models.deployment import load_deployment
    from streaming.service.join_labels import WITHOUT
    from streaming.sinks.pool import Pool

    settings = load_settings(config, without=WITHOUT)
    if "postgres" not in settings.store.kinds:
        raise ConfigError(f"{config}: store.kind is {settings.store.kind}; labels are joined in PostgreSQL: add it to store.also")
    name = load_deployment(settings.deployment).name
    pool = Pool(settings.store.dsn.get_secret_value(), size=1)
    try:
        return pool.run(lambda connection: question(connection, name), what="a question about labels")
    finally:
        pool.close()


def _show(found: list[Quality]) -> None:
    from rich.console import Console
    from rich.table import Table

    names = SHOWN[found[-1].task]
    table = Table("window", "slice", "model", "variant", "population", "n", "coverage", "maturity", *names, title=found[-1].deployment)
    for record in found:
        for group in record.groups:
            table.add_row(*_row(record, group, names))
    Console(width=None if Console().is_terminal else 200).print(table)
    for record in found:
        for one in record.fairness:
            for measure, bound in one.beyond.items():
                typer.echo(f"{record.window_start[:16]}  {one.column}={one.group}: {measure} is beyond its bound {bound:g}")


def _row(record: Quality, group: QualityGroup, names: tuple[str, ...]) -> list[str]:
    maturity = "-" if group.maturity is None else f"{group.maturity:.0%}"
    head = [record.window_start[:16], record.slice or "all", f"{group.model} {group.model_version}", group.variant, group.population]
    return [*head, str(group.labels), f"{group.coverage:.0%}", maturity, *(_cell(group.figures.get(name)) for name in names)]


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    return (
        f"{figure.value:.3f}" if figure.low is None or figure.high is None else f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f})"
    )
