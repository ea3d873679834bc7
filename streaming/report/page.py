"""The terminal page: a frame drawn with rich, fitted to the size of the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streaming.report.frame import FeatureLine, Frame, Risk
from streaming.report.headline import Latency
from streaming.report.story import SCORE
from streaming.report.wording import duration, number, share, since, title

QUIET, ALARM, CALM = "grey50", "bold dark_orange", "steel_blue1"
WIDE = 92  # columns from which two panels stand side by side
MOST_NAME = 20
FIXED = 20  # borders, gaps, a measure and a time of day in the drift table
DASH = Text("–", style=QUIET)


@dataclass(frozen=True)
class Page:
    """A frame as a rich renderable; looks at the terminal's size each time it is drawn."""

    frame: Frame
    progress: RenderableType | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as much as fits: figures always, then drift, rejections, customers and alerts."""
        width = options.max_width
        head: list[RenderableType] = [_banner(self.frame), *([self.progress] if self.progress else []), _figures(self.frame, width)]
        used = sum(len(console.render_lines(part, options.update(height=None))) for part in head)
        yield Group(*head, _body(self.frame, width, max(options.size.height - used - 1, 6)))


def render(frame_data: Frame, progress: RenderableType | None = None) -> RenderableType:
    """The page of a frame. progress: drawn under the banner, such as rich's progress bars.

    Fits 80 × 24 and larger: with less room the tables become shorter and alerts are left out first.
    """
    return Page(frame_data, progress)


def _banner(frame: Frame) -> Text:
    total = frame.total
    alarm = bool(total.drifted or total.score_drifted)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {title(frame.deployment)} ", style="bold")
    text.append(f"{total.model} v{total.model_version}  " if total.model else "no model yet  ", style=QUIET)
    text.append(f"{total.verdict}", style=ALARM if alarm else "bold")
    return text.append(f"  {since(frame.at)} UTC", style=QUIET)


def _figures(frame: Frame, width: int) -> RenderableType:
    total, recent = frame.total, frame.latency_ms_recent
    table = Table.grid(expand=True, padding=(0, 1))
    cells = [
        ("events", number(total.events), f"{number(frame.events_per_s_now)}/s now"),
        ("scored", number(total.scored), share(total.scored / (total.events or 1))),
        ("rejected", number(total.rejected), share(total.rejected / (total.events or 1))),
        ("lag", "–" if frame.lag is None else number(frame.lag), "events"),
        ("latency p50 / p95 / p99", _quantiles(recent), f"overall {_quantiles(total.latency_ms)}"),
    ]
    for name, _, _ in cells:
        table.add_column(ratio=None if name.startswith("latency") else 1, no_wrap=True)
    table.add_row(*(Text(name, style=QUIET) for name, _, _ in cells))
    table.add_row(*(Text(value, style="bold") for _, value, _ in cells))
    table.add_row(*(Text(note, style=QUIET) for _, _, note in cells))
    return Panel(table, border_style="grey35", padding=(0, 1), width=width)


def _quantiles(latency: Latency) -> str:
    return " / ".join("–" if ms is None else duration(ms) for ms in (latency.p50, latency.p95, latency.p99))


def _body(frame: Frame, width: int, height: int) -> RenderableType:
    if width < WIDE:
        return _narrow(frame, width, height)
    left, right = Table.grid(expand=True), Table.grid(expand=True)
    columns = Table.grid(expand=True, padding=0)
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    half = width // 2
    risks = 12 if frame.at_risk else 3
    left.add_row(_drift(frame, half, height))
    right.add_row(_rejected(frame, max(height - risks - 6, 4)))
    right.add_row(_at_risk(frame, min(risks, height - 4)))
    spare = height - risks - min(max(height - risks - 6, 4), len(frame.total.rejected_by_reason) + 2 or 3)
    if spare >= 4:
        right.add_row(_alerts(frame, spare))
    columns.add_row(left, right)
    return columns


def _narrow(frame: Frame, width: int, height: int) -> RenderableType:
    """Below one another, the same room for each of three; side by side would cut names."""
    columns = Table.grid(expand=True, padding=0)
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    lower = min(8, max(height // 2, 4))
    columns.add_row(_rejected(frame, lower), _at_risk(frame, lower))
    return Group(_drift(frame, width, height - lower), columns)


def _panel(name: str, table: RenderableType, height: int) -> Panel:
    return Panel(table, title=Text(name, style="grey70"), title_align="left", border_style="grey35", padding=(0, 1), height=height)


def _drift(frame: Frame, width: int, height: int) -> Panel:
    table = Table.grid(expand=True, padding=(0, 1))
    lines = [*([frame.score] if frame.score else []), *frame.features]
    room = max(height - 2, 1)
    shown = lines if len(lines) <= room else lines[: room - 1]
    names = min(max((len(_name(line)) for line in shown), default=0), MOST_NAME)
    table.add_column(no_wrap=True, max_width=names, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style=QUIET)
    bar = max(width - names - FIXED, 5)
    for line in shown:
        table.add_row(*_drift_row(line, bar))
    if len(shown) < len(lines):
        table.add_row(Text(f"… {len(lines) - len(shown)} more", style=QUIET))
    if not lines:
        table.add_row(DASH)
    return _panel("drift, with its threshold │ and since when", table, min(height, max(len(lines), 1) + 2))


def _drift_row(line: FeatureLine, width: int) -> tuple[Text, Text, Text, Text]:
    name = Text(_name(line), style=ALARM if line.drifted else "")
    if line.value is None or line.threshold is None:
        return name, Text(""), DASH, Text("–")
    value = Text(f"{line.value:.2f}", style=ALARM if line.drifted else "")
    return name, _bar(line.value, line.threshold, width, line.drifted), value, Text(since(line.since) if line.since else "steady")


def _name(line: FeatureLine) -> str:
    return "the score" if line.name == SCORE else title(line.name)


def _bar(value: float, threshold: float, width: int, drifted: bool) -> Text:
    """A bar on which the threshold stands at two fifths of the width, so that there is room to exceed it."""
    at = int(width * 0.4)
    length = min(round(value / threshold * at), width)
    text = Text(no_wrap=True)
    for place in range(width):
        filled = place < length
        character = "│" if place == at else "━" if filled else " "
        text.append(character, style=QUIET if place == at else ALARM if drifted else CALM)
    return text


def _rejected(frame: Frame, height: int) -> Panel:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    reasons = sorted(frame.total.rejected_by_reason.items(), key=lambda item: (-item[1], item[0]))
    room = max(height - 2, 1)
    shown = reasons if len(reasons) <= room else reasons[: room - 1]
    for reason, count in shown:
        table.add_row(reason, number(count))
    if len(shown) < len(reasons):
        rest = sum(count for _, count in reasons[len(shown) :])
        table.add_row(Text(f"… {len(reasons) - len(shown)} more reasons", style=QUIET), Text(number(rest), style=QUIET))
    if not reasons:
        table.add_row(Text("none", style=QUIET), "")
    return _panel("rejected, by reason", table, min(height, max(len(reasons), 1) + 2))


def _at_risk(frame: Frame, height: int) -> Panel:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style=QUIET)
    risks: list[Risk] = (frame.at_risk or [])[: max(height - 2, 1)]
    for risk in risks:
        table.add_row(risk.entity_id, f"{risk.score:.3f}", since(risk.scored_at))
    if not risks:
        table.add_row(DASH, "", "")
    return _panel("most at risk", table, max(len(risks), 1) + 2)


def _alerts(frame: Frame, height: int) -> Panel:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, style=QUIET)
    table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    for alert in frame.alerts[: max(height - 2, 1)]:
        table.add_row(since(alert.at), f"{title(alert.feature)} {alert.state}", f"{alert.value:.2f}")
    if not frame.alerts:
        table.add_row("none", "", "")
    return _panel("alerts", table, min(height, max(len(frame.alerts), 1) + 2))
