"""`scoring metrics`: time series of the metric store, to look at and to take away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from streaming.sinks.metric_store.query import Point, Question

metrics = typer.Typer(no_args_is_help=True, help="Time series of the metric store: query, export.")


class Level(StrEnum):
    """What a point stands for."""

    auto = "auto"
    minute = "minute"
    hour = "hour"
    day = "day"


class Format(StrEnum):
    """Of an export."""

    csv = "csv"
    parquet = "parquet"
    jsonl = "jsonl"


Config = Annotated[Path, typer.Option(help="Configuration file of the service.")]
Deployment = Annotated[str | None, typer.Option(help="Only of this deployment.")]
Model = Annotated[str | None, typer.Option(help="Only of this model.")]
Version = Annotated[str | None, typer.Option(help="Only of this version of the model.")]
Label = Annotated[str | None, typer.Option(help="Only what is split off under this label: a reason, a feature, a slice.")]
From = Annotated[str | None, typer.Option("--from", help="Begin, RFC 3339, or as 36h, 30d, 52w before the end; 24h if none is given.")]
To = Annotated[str | None, typer.Option("--to", help="End, RFC 3339; now if none is given.")]
AtLevel = Annotated[Level, typer.Option(help="auto: minutes for a day, hours for six weeks, days beyond.")]
_CONFIG = Path("conf/local.toml")
_HEADS = ("at", "n", "sum", "mean", "least", "most", "p50", "p95", "p99")


def register(app: typer.Typer) -> None:
    """Add the command group `metrics`."""
    app.add_typer(metrics, name="metrics")


@metrics.command("query")
def query_series(
    name: Annotated[
        str, typer.Argument(help="Series, such as events, latency_ms, score, drift.psi, tracked.accuracy; * at the end for all.")
    ],
    config: Config = _CONFIG,
    deployment: Deployment = None,
    model: Model = None,
    version: Version = None,
    label: Label = None,
    start: From = None,
    end: To = None,
    level: AtLevel = Level.auto,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a point and line, instead of a table.")] = False,
) -> None:
    """Show time series: how many values, their sum, mean, extremes, and quantiles where there is a sketch."""
    from streaming.sinks.metric_store.query import Question

    found = _points(config, Question(name, *span(start, end, datetime.now(UTC)), deployment, model, version, label, level.value))
    if as_json:
        for point in found:
            typer.echo(json.dumps(as_fields(point)))
    else:
        _show(found)


@metrics.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write; folders are made.")],
    name: Annotated[str, typer.Option(help="Series; * at the end for all that begin so.")] = "*",
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.parquet,
    config: Config = _CONFIG,
    deployment: Deployment = None,
    model: Model = None,
    version: Version = None,
    label: Label = None,
    start: From = None,
    end: To = None,
    level: AtLevel = Level.auto,
) -> None:
    """Write time series to a file, a row a point, in bounded memory."""
    from streaming.report.metric_export import write_points
    from streaming.sinks.metric_store.query import Question

    question = Question(name, *span(start, end, datetime.now(UTC)), deployment, model, version, label, level.value)
    typer.echo(f"{out}: {write_points(_points(config, question), out, format_.value):,} points")


def _points(config: Path, question: Question) -> Iterator[Point]:
    from streaming.config import load_settings
    from streaming.errors import ConfigError
    from streaming.settings import METRICS_WITHOUT
    from streaming.sinks.metric_store.query import level_of, query

    settings = load_settings(config, without=METRICS_WITHOUT)
    if not (dsn := settings.store.dsn.get_secret_value()):
        raise ConfigError(f"{config}: store.dsn is required and missing: the metric store is in PostgreSQL")
    level = level_of(question, settings.metric_store.minute_days, datetime.now(UTC))
    return query(dsn, question, level, statement_timeout_s=settings.store.statement_timeout_s)


def span(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The time that the options ask for. Raises ConfigError for texts that are no times, or an end before its begin.

    >>> begin, until = span("7d", "2026-02-08T00:00:00Z", datetime.now(UTC))
    >>> begin.isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    from streaming.errors import ConfigError
    from streaming.metrics.tracking import instant

    until = now if end is None else datetime.fromisoformat(instant(end, "--to"))
    text = start or "24h"
    units = {"h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdigit() and text[-1] in units:
        begin = until - timedelta(**{units[text[-1]]: int(text[:-1])})
    else:
        begin = datetime.fromisoformat(instant(text, "--from"))
    if begin >= until:
        raise ConfigError(f"--from {begin.isoformat()} is not before --to {until.isoformat()}")
    return begin, until


def as_fields(point: Point) -> dict[str, Any]:
    """A point as JSON has it; what is not known is left out."""
    fields = point._asdict() | {"at": point.at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {name: value for name, value in fields.items() if value is not None}


def _show(found: Iterable[Point]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, shown = Console(), False
    for series, points in groupby(found, key=lambda point: point[:5]):
        deployment, name, model, version, label = series
        shown, of = True, " ".join(part for part in (model, version and f"version {version}", label) if part)
        table = Table(*_HEADS, title=f"{deployment} {name}" + (f" of {of}" if of else ""), title_justify="left")
        for point in points:
            figures = (point.total, point.mean, point.least, point.most, point.p50, point.p95, point.p99)
            told = ["" if figure is None else f"{figure:.4g}" for figure in figures]
            table.add_row(f"{point.at.astimezone(UTC):%Y-%m-%d %H:%M}", f"{point.n:,}", *told)
        console.print(table)
    if not shown:
        console.print("nothing is known of that name and time; `scoring metrics query '*'` shows what there is")
