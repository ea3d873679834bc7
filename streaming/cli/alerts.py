"""`scoring alerts`: what is open, and what people say to it: silence and acknowledge."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streaming.drift.alert_book import AlertBook
    from streaming.metrics.records import Acknowledgement, Alert, Silence
    from streaming.settings import Settings

alerts = typer.Typer(no_args_is_help=True, help="Alerts: list what is open, silence, acknowledge.")
Config = Annotated[Path, typer.Option(help="Configuration file of the service.")]
By = Annotated[str, typer.Option(help="Who says so; empty: the user of this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result as one JSON value.")]
_CONFIG = Path("conf/local.toml")
_WITHOUT = ("store", "sinks", "registry", "schema_registry", "stream", "drift")


def register(app: typer.Typer) -> None:
    """Add the command group `alerts`."""
    app.add_typer(alerts, name="alerts")


@alerts.command("list")
def list_alerts(
    config: Config = _CONFIG,
    all_of_them: Annotated[bool, typer.Option("--all", help="Show the last resolved ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the alerts that are open, the worst first: what, since when, who looks after it, what to do."""
    import msgspec

    from streaming.config import load_settings
    from streaming.service.notify import read_book

    book = read_book(load_settings(config, without=_WITHOUT))
    order = {"critical": 0, "warning": 1, "info": 2}
    shown = sorted(book.open.values(), key=lambda alert: (order[alert.severity], alert.since))
    shown += [alert for alert in reversed(book.resolved) if all_of_them]
    if as_json:
        typer.echo(msgspec.json.encode([_fields(book, alert) for alert in shown]))
        return
    for alert in shown:
        typer.echo("\n".join(_lines(book, alert)))
    if not shown:
        typer.echo("no alert is open")


@alerts.command()
def silence(
    feature: Annotated[str, typer.Argument(help="Feature, or score, rejected, or a reason; empty: any.")],
    hours: Annotated[float, typer.Option(min=0, help="How long; 0 ends a silence that was asked for before.")] = 8,
    kind: Annotated[str, typer.Option(help="Only alerts of this kind, e.g. input_drift.")] = "",
    slice_name: Annotated[str, typer.Option("--slice", help="Only this slice, as column=value.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for those who come after.")] = "",
    by: By = "",
    config: Config = _CONFIG,
) -> None:
    """Ask not to be told of alerts for some hours. They are still recorded, and `list` still shows them."""
    from datetime import UTC, datetime, timedelta

    from streaming.drift.alert import identify
    from streaming.metrics.records import Silence
    from streaming.records import rfc3339

    settings = _settings(config)
    now, deployment, who = datetime.now(UTC), _deployment(settings), by or getpass.getuser()
    at, until = rfc3339(now), rfc3339(now + timedelta(hours=hours))
    about = (deployment, feature, kind, slice_name)
    _publish(settings, Silence(identify("silence", at, *about), at, until, *about, by=who, reason=reason))
    typer.echo(
        f"{feature or 'everything'} of {deployment} is silent until {until}" if hours else f"{feature or 'everything'} is told again"
    )


@alerts.command()
def acknowledge(
    alert: Annotated[str, typer.Argument(help="Id of an open alert, or its beginning.")],
    note: Annotated[str, typer.Option(help="What is being done.")] = "",
    by: By = "",
    config: Config = _CONFIG,
) -> None:
    """Say that an alert has been seen and is looked after."""
    from datetime import UTC, datetime

    from streaming.drift.alert import identify
    from streaming.errors import ConfigError
    from streaming.metrics.records import Acknowledgement
    from streaming.records import rfc3339
    from streaming.service.notify import read_book

    settings = _settings(config)
    found = [each for each in read_book(settings).open.values() if each.id.startswith(alert)]
    if len(found) != 1:
        raise ConfigError(f"{len(found)} open alerts have an id that begins with {alert!r}; expected one: see `scoring alerts list`")
    at, who = rfc3339(datetime.now(UTC)), by or getpass.getuser()
    _publish(settings, Acknowledgement(identify("acknowledgement", at, found[0].id), at, found[0].deployment, found[0].id, who, note))
    typer.echo(f"{who} looks after {found[0].feature} ({found[0].id})")


def _settings(config: Path) -> Settings:
    from streaming.config import load_settings

    return load_settings(config, without=_WITHOUT)


def _deployment(settings: Settings) -> str:
    from streaming.models.deployment import load_deployment

    return load_deployment(settings.deployment).name


def _publish(settings: Settings, record: Silence | Acknowledgement) -> None:
    from streaming.sinks.record_topic import RecordTopic

    RecordTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client).publish(settings.topics.of("alerts"), [record])


def _fields(book: AlertBook, alert: Alert) -> dict[str, object]:
    """An alert's own fields, with the silence and the acknowledgement that it has."""
    import msgspec

    told = {"silence": _silence(book, alert), "acknowledgement": book.acknowledgement_of(alert)}
    return {**msgspec.structs.asdict(alert), **told}


def _silence(book: AlertBook, alert: Alert) -> Silence | None:
    from datetime import UTC, datetime

    from streaming.records import rfc3339

    return book.silence_of(alert, rfc3339(datetime.now(UTC)))


def _lines(book: AlertBook, alert: Alert) -> list[str]:
    """An alert as a person reads it."""
    state = alert.severity if alert.state == "raised" else alert.state
    lines = [f"{alert.id[:8]}  {state:<8}  {alert.message}"]
    if alert.changed_at:
        lines.append(f"          changed at {alert.changed_at}")
    if alert.suggestion:
        lines.append(f"          {alert.suggestion}")
    seen, silence = book.acknowledgement_of(alert), _silence(book, alert)
    people = [
        *([f"owner {alert.owner}"] if alert.owner else []),
        *([f"seen by {seen.by}{': ' + seen.note if seen.note else ''}"] if seen else []),
        *([f"silent until {silence.until} ({silence.by})"] if silence else []),
    ]
    return [*lines, *(["          " + "; ".join(people)] if people else [])]
