"""The tables that a run of the validators prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

GOAL = 1.3


def print_case(console: Console, subject: str, found: Mapping[str, Mapping[str, Any]]) -> None:
    """One schema: a line for each contender.

    ÷ ours: of the rates on clean events; bad ÷ good: of the time an event takes; wrong: bad events accepted, good ones refused.
    """
    shares = list(next(iter(found.values()))["events_per_s"])
    table = Table(title=f"{subject}: events/s on one core, by share of bad events", title_justify="left")
    for column in ("", "gives", "reasons", *shares, "÷ ours", "bad ÷ good", "wrong"):
        table.add_column(column, justify="left" if column in ("", "gives", "reasons") else "right", no_wrap=True)
    for name, each in found.items():
        rates = [f"{rate:,}" for rate in each["events_per_s"].values()]
        wrong = f"+{each['wrong']['accepted']} -{each['wrong']['refused']}"
        table.add_row(
            name, each["gives"], each["reasons"], *rates, f"{each['times_ours']:.2f}", f"{each['bad_costs_times_good']:.1f}", wrong
        )
    console.print(table)


def print_goals(console: Console, reached: Mapping[str, Mapping[str, float]]) -> None:
    """How far the fastest inexact contender is ahead on clean events, and whether that is within the goal."""
    for subject, ratios in reached.items():
        for of, ratio in ratios.items():
            among = "that gives columns, as ours does," if of == "columns" else "of all"
            verdict = "met" if ratio <= GOAL else f"missed by {ratio / GOAL - 1:.0%}"
            console.print(f"{subject}: the fastest inexact contender {among} is {ratio:.2f} × as fast as ours; goal {GOAL} × {verdict}")
