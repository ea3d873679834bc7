"""`scoring rejected replay`: what it says and does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.schema import load_contracts
from streaming.kafka.topic_span import span_of
from streaming.models.deployment import load_deployment
from streaming.pipeline import contract_steps
from streaming.replay.mapping import Mapping, load_mapping
from streaming.replay.outgoing import replayed_events
from streaming.replay.rejection import Rejection
from streaming.replay.run import Wanted, send, sent_before, wanted
from streaming.replay.selection import Selection
from streaming.replay.state import Run, locked, new_run, save, unfinished
from streaming.replay.trial import Trial, trial_plan, try_out
from streaming.settings import Settings


class Sent(msgspec.Struct):
    """What a replay did, in events. on_the_way: those of an earlier replay that have no outcome yet, which were left out."""

    run: str
    sent: int
    sent_before: int
    mended: int
    on_the_way: int
    state: str

    def line(self, topic: str) -> str:
        """The same as a sentence."""
        before = f", {self.sent_before:,} before the stop" if self.sent_before else ""
        waiting = f", {self.on_the_way:,} are still on their way from an earlier replay" if self.on_the_way else ""
        return f"sent {self.sent:,} events to {topic}{before}; {self.mended:,} had a prediction{waiting}; {self.state}"


def dry(settings: Settings, selection: Selection, mapping: Path | None, *, as_json: bool) -> None:
    """Say how many events would pass under the present contracts, and why the others would not. Sends nothing."""
    rules = load_mapping(mapping) if mapping else Mapping()
    deployment = load_deployment(settings.deployment)
    resolver = RegistryResolver(settings.schema_registry) if settings.schema_registry.url else None
    steps = contract_steps(load_contracts(settings.schemas, deployment.event), resolver)
    run = _fresh(settings, {}, selection, rules)
    found = wanted(settings, run)
    events = replayed_events(settings, run.rejected, found.open, run.id, rules)
    plan = trial_plan(settings.stream, deployment.event, deployment.schema_version, settings.topics.of("replay"))
    _tell_trial(found, try_out(events, steps, plan), as_json=as_json)


def publish(
    settings: Settings, asked: dict[str, str], selection: Selection, mapping: Path | None, *, rate: float, folder: Path, as_json: bool
) -> None:
    """Send the events, or what an earlier run of the same question has not sent. Raises Unavailable, TopicError, ConfigError."""
    rules = load_mapping(mapping) if mapping else Mapping()
    with locked(folder):
        earlier = unfinished(folder, asked, settings.topics.event, rules.text)
        run = earlier or _fresh(settings, asked, selection, rules)
        file = save(folder, run)
        sent = sent_before(settings, run) if earlier else set()
        found = wanted(settings, run, sent)
        if earlier:
            typer.echo(f"goes on with the run of {run.started_at}, {len(found.open):,} events left; {file}", err=True)
        _send(settings, run, found.open, rules, rate=rate, before=len(sent))
        told = Sent(run.id, len(found.open), len(sent), len(found.mended - sent), len(found.on_the_way), str(file))
        save(folder, run.ended(told.sent_before + told.sent, told.mended))
    typer.echo(msgspec.json.encode(told) if as_json else told.line(settings.topics.of("replay")))


def _fresh(settings: Settings, asked: dict[str, str], selection: Selection, rules: Mapping) -> Run:
    spans = {kind: span_of(settings.kafka, settings.topics.of(kind)) for kind in ("rejected", "replay")}
    return new_run(asked, settings.topics.event, selection, rules.text, rejected=spans["rejected"], replay=spans["replay"])


def _send(settings: Settings, run: Run, left: list[Rejection], rules: Mapping, *, rate: float, before: int) -> None:
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=before + len(left), completed=before)
        send(settings, run, left, rules, rate=rate, told=lambda number: bar.advance(task, number))


def _tell_trial(found: Wanted, trial: Trial, *, as_json: bool) -> None:
    if as_json:
        told = {"dry_run": True, "mended": len(found.mended), "on_the_way": len(found.on_the_way)}
        typer.echo(json.dumps(told | msgspec.to_builtins(trial)))
        return
    typer.echo(
        f"{trial.events:,} events would be sent, {trial.mapped:,} of them changed by the mapping; {len(found.mended):,} have a prediction"
    )
    if found.on_the_way:
        typer.echo(f"  {len(found.on_the_way):>9,}  are still on their way from an earlier replay, and left out")
    if trial.unreadable:
        typer.echo(f"  {trial.unreadable:>9,}  are sent as they are: the mapping finds no JSON object in them (Avro, or broken)")
    typer.echo(f"  {trial.passing:>9,}  would pass the contract now")
    for reason, number in sorted(trial.rejected.items(), key=lambda item: (-item[1], item[0])):
        typer.echo(f"  {number:>9,}  would be rejected again: {reason}")
    typer.echo("nothing was sent; --yes sends them")
