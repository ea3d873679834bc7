"""The tables that a run prints, and the ratios of stream to bare loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def ratios(measures: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Stream divided by bare loop, for each figure that both have.

    >>> ratios({"stream-backlog": {"events_per_s": 50}, "bare-backlog": {"events_per_s": 40}})
    {'backlog events_per_s': 1.25}
    """
    found = {}
    for name, shape in _figures(measures.get("stream-backlog", {}), measures.get("stream-steady", {})):
        stream, bare = _figure(measures, "stream", shape, name), _figure(measures, "bare", shape, name)
        if stream and bare:
            found[f"{shape} {name}"] = round(stream / bare, 2)
    return found


def print_measure(console: Console, name: str, measure: Mapping[str, Any]) -> None:
    """One measure: its figures, the median batch with its parts, and the memory."""
    table = Table(title=name, title_justify="left", show_header=False)
    for key, value in measure.items():
        if not isinstance(value, Mapping):
            table.add_row(key, _text(value))
    for key, value in measure.get("latency_ms", {}).items():
        table.add_row(f"latency {key} ms", _text(value))
    for key, value in measure["batch"].items():
        if not isinstance(value, Mapping):
            table.add_row(f"median batch: {key}", _text(value))
    for key, value in measure["batch"].get("parts_ms", {}).items():
        table.add_row(f"median batch: {key} ms", _text(value))
    for key, value in measure["memory_mb"].items():
        table.add_row(f"memory: {key} MB", _text(value))
    console.print(table)


def print_ratios(console: Console, found: Mapping[str, float]) -> None:
    """Stream against bare loop, where both were measured."""
    if not found:
        return
    table = Table("stream / bare loop", "ratio", title_justify="left")
    for name, value in found.items():
        table.add_row(name, _text(value))
    console.print(table)


def _figures(backlog: Mapping[str, Any], steady: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "events_per_s" in backlog:
        yield "events_per_s", "backlog"
    for name in steady.get("latency_ms", {}):
        yield name, "steady"


def _figure(measures: Mapping[str, Mapping[str, Any]], contender: str, shape: str, name: str) -> float | None:
    measure = measures.get(f"{contender}-{shape}", {})
    figure: float | None = measure.get(name) or measure.get("latency_ms", {}).get(name)
    return figure


def _text(value: object) -> str:
    if value is None:
        return "- (too few full batches)"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
