"""`scoring demo`: the whole service on this machine, real events through it, and a reconciliation at the end."""

from __future__ import annotations

import json
import signal
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from streaming.local.demo import Result

MOST_NAMED = 10
FEWEST_EVENTS = 3000
RATE_MAX = 270.0
SHORTEST_S = 32.0  # each half must be long enough for the drift job to close windows in it


class StoreKind(StrEnum):
    """Operational stores that the demo can run on."""

    postgres = "postgres"
    hbase = "hbase"


_NAMES = {StoreKind.postgres: "PostgreSQL", StoreKind.hbase: "HBase"}
_CONFIG = {StoreKind.postgres: Path("conf/local.toml"), StoreKind.hbase: Path("conf/local-hbase.toml")}


def demo(
    events: Annotated[int, typer.Option(min=FEWEST_EVENTS, help="Messages to send; the population shifts after half of them.")] = 20_000,
    rate: Annotated[float, typer.Option(min=0, help="Messages a second; 0 chooses a steady rate by the number of events.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the traffic: the same seed breaks the same events.")] = 7,
    summary: Annotated[Path | None, typer.Option(help="Also write the result as JSON to this file.")] = None,
    store: Annotated[StoreKind, typer.Option(help="Operational store to run on.")] = StoreKind.postgres,
    live: Annotated[bool, typer.Option(help="Show a live page where the output is a terminal.")] = True,
    home: Annotated[
        Path, typer.Option(help="Folder for all that the demo writes: new, empty, or of a former one, which is removed.")
    ] = Path("var"),
    data: Annotated[Path, typer.Option(help="The churn table, CSV.")] = Path("examples/churn/telco_churn.csv"),
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; conf/local.toml, or conf/local-hbase.toml, if none is named.")
    ] = None,
) -> None:
    """Run the whole service on this machine: Kafka, a store, both Spark jobs, and customers' events through them.

    Two in a hundred events are broken, and from the middle on the population shifts. Ends by itself. Exit code 0 only if
    every acknowledged event has exactly one outcome, the drift alerts name what truly moved and nothing else, no job ended
    by itself, and the report is there; 1 otherwise, with the ids that differ. The drift job must close a window before
    the shift: a rate that sends half of the events in less than some ten seconds gives it no time to.
    """
    from rich.console import Console

    from streaming.cli.demo_screen import Screen, show
    from streaming.local.demo import DemoPlan, run

    console = Console()
    if summary is not None:
        summary.unlink(missing_ok=True)  # what an earlier demo found must not stand for this one
    steady = rate or min(RATE_MAX, events / SHORTEST_S)
    console.print(
        f"Demo on {store.value}: starts Kafka, {_NAMES[store]} and two Spark jobs here, sends {events:,} events at {steady:,.0f}/s, "
        f"checks every outcome and stops everything. About {60 + events / steady:.0f} s. A former demo's data in {home} is removed first."
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Screen(console, events, live=live) as screen:
            result = run(DemoPlan(config or _CONFIG[store], data, home.resolve(), events, steady, seed, store.value), screen)
    except KeyboardInterrupt:
        console.print("Interrupted; everything that the demo started has stopped.")
        raise typer.Exit(130) from None
    show(console, result, screen.seconds)
    _tell(result, screen.seconds, summary)


def _tell(result: Result, seconds: dict[str, float], summary: Path | None) -> None:
    """Write the summary; where something does not hold, say what, and exit with 1."""
    if summary is not None:
        summary.write_text(json.dumps(_summary(result, seconds), indent=2) + "\n", encoding="utf-8")
    if not result.holds:
        for complaint in _complaints(result):
            typer.echo(complaint, err=True)
        raise typer.Exit(1)


def _summary(result: Result, seconds: dict[str, float]) -> dict[str, object]:
    found = result.reconciliation
    return {
        "acknowledged": found.acknowledged,
        "predicted": found.predicted,
        "rejected": found.rejected,
        "repeated": found.repeated,
        "rejected_by_reason": found.rejected_by_reason,
        **{name: len(ids) for name, ids in found.differences.items()},
        "drift_alerts_before_shift": list(result.drift.before),
        "drift_alerts_after_shift": list(result.drift.after),
        "drift_windows_before_shift": result.drift.windows_before,
        "latency_ms": result.speed.latency_ms,
        "events_per_s": round(found.acknowledged / result.speed.seconds, 1) if result.speed.seconds else 0.0,
        "seconds": seconds,
        "report": str(result.report),
    }


def _complaints(result: Result) -> list[str]:
    lines = []
    for name, ids in result.reconciliation.differences.items():
        lines += [f"{name}: {text}" for text in ids[:MOST_NAMED]]
        lines += [f"{name}: and {len(ids) - MOST_NAMED} more"] if len(ids) > MOST_NAMED else []
    if not result.drift.holds:
        lines.append(f"drift: {result.drift.complaint}")
    return [*lines, result.ended] if result.ended else lines


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
