"""The HTML report: one file that opens from disk without a network, in light and dark, wide and narrow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from streaming.metrics.sketches import Histogram
from streaming.report import charts, wording
from streaming.report.headline import features, headline
from streaming.report.page_file import templates, write_page
from streaming.report.story import SCORE, Point, Story, Version
from streaming.report.timeline import epoch


@dataclass(frozen=True)
class Card:
    """One feature (or the score) as the template shows it; texts are ready to print, charts are drawn."""

    name: str
    drifted: bool
    measure: str
    value: str
    since: str
    distribution: Markup | None
    history: Markup | None
    gaps: list[tuple[str, str, str]]
    """(what is missing, its share now, its share in training)"""


def render(story: Story) -> str:
    """The report of a story as one HTML document."""
    environment = templates()
    environment.globals.update(
        number=wording.number, share=wording.share, duration=wording.duration, since=wording.since, explain=wording.explain,
        title=wording.title,
    )  # fmt: skip
    version = story.serving()
    return environment.get_template("report.html.j2").render(
        story=story,
        version=version,
        head=headline(story),
        cards=[card(story, version, name) for name in features(version)] if version else [],
        score=card(story, version, SCORE) if version else None,
        heat=_heat(story, version),
        latency=charts.latency_lines(story.timeline) if story.latency_ms else None,
        throughput=charts.throughput(story.timeline) if story.batches else None,
        reasons=_reasons(story),
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        period=_period(story),
    )


def write(story: Story, out: Path) -> None:
    """Write the report to a file; folders on the way are made, and the file appears whole or not at all.

    Raises SetupError if it cannot be written.
    """
    write_page(render(story), out)


def card(story: Story, version: Version, name: str) -> Card:
    """What the report shows of one feature, or of the score (name "score")."""
    verdict, current, reference = version.verdict(name), version.current(name), _reference(version, name)
    bins = version.reference and (version.reference.score_bins if name == SCORE else version.reference.bins.get(name))
    points = version.series.get(name, [])
    since = epoch(verdict.since) if verdict and verdict.since else None
    told = f"{wording.title(name)}, {verdict.measure if verdict else 'drift'} over time"
    return Card(
        name=wording.title(name),
        drifted=bool(verdict and verdict.drifted),
        measure=verdict.measure.upper() if verdict else "",
        value=f"{verdict.value:.2f}" if verdict else "–",
        since=wording.clock(since) if since is not None else "",
        distribution=charts.distribution(bins, current, reference, wording.title(name)) if bins else None,
        history=charts.measure_line(points, _drift_span(story, points), since, told) if points else None,
        gaps=_gaps(current, reference),
    )


def _reference(version: Version, name: str) -> Histogram | None:
    if version.reference is None:
        return None
    return version.reference.score_counts if name == SCORE else version.reference.counts.get(name)


def _drift_span(story: Story, points: list[Point]) -> tuple[float, float]:
    """All drift lines share the service's time axis, so that cards can be compared."""
    start, end = story.timeline.span()
    return (start, end) if end > start else (points[0].at, points[-1].at)


def _gaps(current: Histogram | None, reference: Histogram | None) -> list[tuple[str, str, str]]:
    now, then = current or Histogram([]), reference or Histogram([])
    parts = (("missing", now.missing, then.missing), ("unseen", now.unseen, then.unseen))
    return [(name, wording.share(a / (now.total or 1)), wording.share(b / (then.total or 1))) for name, a, b in parts if a or b]


def _heat(story: Story, version: Version | None) -> Markup | None:
    if version is None or version.reference is None or not version.scored:
        return None
    return charts.score_heat(story.timeline, version.key, version.reference.score_bins)


def _reasons(story: Story) -> list[tuple[str, str, int, float]]:
    """(reason, in plain words, count, width of its bar in percent), the most frequent first."""
    most = max(story.rejected_by_reason.values(), default=1) or 1
    ordered = sorted(story.rejected_by_reason.items(), key=lambda item: (-item[1], item[0]))
    return [(reason, wording.explain(reason), count, count / most * 100) for reason, count in ordered]


def _period(story: Story) -> str:
    start, end = story.timeline.span()
    if not end:
        return "no batch yet"
    day = datetime.fromtimestamp(start, UTC)
    length = end - start
    return f"{day.day} {day:%B %Y}, {wording.clock(start, span_s=length)} to {wording.clock(end, span_s=length)} UTC"
