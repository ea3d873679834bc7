"""The page of rejected events: each cause with its values, its producer and an example, as one HTML file without a network."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from streaming.replay.groups import Group
from streaming.report import wording
from streaming.report.page_file import templates, write_page

SHOWN_VALUES = 6


@dataclass(frozen=True)
class Cause:
    """One group as the template shows it; texts are ready to print. values: (value, events, width in percent)."""

    group: Group
    when: str
    share: float
    values: list[tuple[str, str, float]]
    more: int
    select: str


def render_rejected(event: str, groups: Sequence[Group]) -> str:
    """The page of the groups of an event topic, the largest first as `grouped` gives them."""
    events, mended = sum(group.events for group in groups), sum(group.mended for group in groups)
    environment = templates()
    environment.globals.update(number=wording.number, share=wording.share)
    return environment.get_template("rejected.html.j2").render(
        event=event,
        events=events,
        mended=mended,
        causes=[_cause(group, events) for group in groups],
        producers=len({group.producer for group in groups}),
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    )


def write_rejected(event: str, groups: Sequence[Group], out: Path) -> None:
    """Write the page to a file, whole or not at all. Raises SetupError if it cannot be written."""
    write_page(render_rejected(event, groups), out)


def _cause(group: Group, events: int) -> Cause:
    common = sorted(group.found.items(), key=lambda item: (-item[1], item[0]))
    values = [(value, wording.number(count), 100 * count / group.events) for value, count in common[:SHOWN_VALUES]]
    when = _clock(group.since) if group.since == group.until else f"{_clock(group.since)} to {_clock(group.until)}"
    return Cause(group, when, group.events / events, values, max(0, len(common) - SHOWN_VALUES), _options(group))


def _options(group: Group) -> str:
    """The filters that mean this group, as a shell takes them; a place in a list stands for many, so that no filter means it."""
    path = "" if "*" in group.path else group.path
    wanted = {"--reason": group.reason, "--path": path, "--schema-version": group.schema_version, "--producer": group.producer}
    return " ".join(f"{name} {shlex.quote(value)}" for name, value in wanted.items() if value)


def _clock(at: str) -> str:
    return at[:16].replace("T", " ") + " UTC" if at.endswith("Z") else at
