"""What `scoring drift` prints: a table, or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from streaming.metrics.estimate_records import Figure, Measured
from streaming.truth.estimate import ASSUMPTION, LEVEL

if TYPE_CHECKING:
    from streaming.drift.concept import ConceptDrift
    from streaming.drift.reconstruction import JointDrift

_SHOWN = 5  # columns that tell the sides apart


def show_joint(verdicts: Sequence[JointDrift], importance: Mapping[str, float], rows: tuple[int, int], *, as_json: bool) -> None:
    """Verdicts on joint drift, and the columns that tell the two sides apart."""
    if as_json:
        told = {"rows": rows, "verdicts": [verdict._asdict() for verdict in verdicts], "told_apart_by": dict(importance)}
        typer.echo(msgspec.json.encode(told))
        return
    body = [
        (one.measure, f"{one.value:.4f}", f"{one.low:.4f} to {one.high:.4f}", f"{one.p_value:.2g}", "drift" if one.drifted else "")
        for one in verdicts
    ]
    _print(f"{rows[1]:,} rows against {rows[0]:,}", ("measure", "value", "by chance", "p", ""), body)
    if any(one.drifted for one in verdicts):
        largest = list(importance.items())[:_SHOWN]
        typer.echo("told apart by: " + ", ".join(f"{name} {fall:.3f}" for name, fall in largest if fall > 0))


def show_concept(found: Sequence[ConceptDrift], rows: tuple[int, int], *, as_json: bool) -> None:
    """Each feature's relation to the outcome, then and now."""
    if as_json:
        typer.echo(msgspec.json.encode({"rows": rows, "features": [one._asdict() for one in found]}))
        return
    body = [
        (one.feature, f"{one.change:.3f}", one.level, f"{one.then:.3f}", f"{one.now:.3f}", f"{one.p_holm:.2g}", "moved" * one.drifted)
        for one in found
    ]
    title = f"{rows[1]:,} labelled rows against {rows[0]:,}"
    _print(title, ("feature", "change of log-odds", "most at", "positive then", "now", "p (Holm)", ""), body)


def show_estimate(found: Mapping[str, tuple[Figure, Measured | None]], rows: int, *, as_json: bool) -> None:
    """Estimated figures with their bands, and what the labels say."""
    if as_json:
        figures = {
            name: {"estimated": msgspec.to_builtins(figure), "measured": msgspec.to_builtins(held)}
            for name, (figure, held) in found.items()
        }
        typer.echo(msgspec.json.encode({"rows": rows, "level": LEVEL, "assumption": ASSUMPTION, "figures": figures}))
        return
    body = [(name, f"{figure.value:.4f}", f"{figure.low:.4f} to {figure.high:.4f}", *_told(held)) for name, (figure, held) in found.items()]
    _print(f"{rows:,} rows, bands of {LEVEL:.0%}", ("figure", "estimated", "band", "measured", ""), body)
    typer.echo(f"assumes that {ASSUMPTION}")


def _told(held: Measured | None) -> tuple[str, str]:
    return ("", "") if held is None else (f"{held.value:.4f}", "" if held.within else "outside the band")


def _print(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in head:
        table.add_column(name)
    for row in body:
        table.add_row(*row)
    Console().print(table)
