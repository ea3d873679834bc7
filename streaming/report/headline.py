"""The verdict in plain words and the key figures, for the report's top, the terminal page and programs."""

from __future__ import annotations

import math

import msgspec

from streaming.metrics.sketches import LatencySketch, latency_quantile, merge_latencies
from streaming.report.story import Recent, Story, Version
from streaming.report.timeline import epoch
from streaming.report.wording import clock, title

NOW_S = 10.0  # long enough to hold some batches, short enough to follow a burst


class Latency(msgspec.Struct, frozen=True):
    """Quantiles in ms, from the producer's timestamp to the row readable in the store; None where nothing was scored."""

    p50: float | None
    p95: float | None
    p99: float | None


class Headline(msgspec.Struct, frozen=True):
    """Key figures of a story. `events_per_s`: average from the first batch to the last; `since`: RFC 3339."""

    verdict: str
    detail: str
    model: str | None
    model_version: str | None
    events: int
    scored: int
    repeated: int
    rejected: int
    """without a prediction"""
    mended: int
    """rejected at first, and brought to their prediction by a replay"""
    rejected_by_reason: dict[str, int]
    """of all that were rejected at first, the mended among them"""
    latency_ms: Latency
    events_per_s: float
    features: int
    drifted: list[str]
    score_drifted: bool
    since: str | None
    alerts: int


def headline(story: Story) -> Headline:
    """The key figures of a story and its verdict."""
    version = story.serving()
    verdict, detail = _verdict(version)
    start, end = story.timeline.span()
    drifted = version.drifted() if version else []
    return Headline(
        verdict=verdict,
        detail=detail,
        model=version.model if version else None,
        model_version=version.model_version if version else None,
        events=story.events,
        scored=story.scored,
        repeated=story.repeated,
        rejected=story.rejected,
        mended=story.mended,
        rejected_by_reason=story.rejected_by_reason,
        latency_ms=latency(story.latency_ms),
        events_per_s=round(story.events / (end - start), 1) if story.batches else 0.0,
        features=len(features(version)),
        drifted=drifted,
        score_drifted=_score_drifted(version),
        since=_since(version, drifted),
        alerts=len(story.alerts),
    )


def latency(sketch: LatencySketch) -> Latency:
    """Quantiles of a sketch.

    >>> latency({})
    Latency(p50=None, p95=None, p99=None)
    """
    quantiles = (latency_quantile(sketch, share) for share in (0.5, 0.95, 0.99))
    return Latency(*(None if math.isnan(ms) else ms for ms in quantiles))


def latency_now(story: Story) -> LatencySketch:
    """Latencies of the batches of the last minute before the newest batch."""
    return merge_latencies(batch.latency_ms for batch in story.recent)


def rate_now(story: Story, now: float) -> float:
    """Events per second in the ten seconds before `now` (seconds since 1970)."""
    recent: list[Recent] = [batch for batch in story.recent if now - NOW_S < batch.at]
    return sum(batch.events for batch in recent) / NOW_S


def features(version: Version | None) -> list[str]:
    """Every feature known of a version, the most drifted first, then by name."""
    if version is None:
        return []
    names = {*version.features, *(version.drift.features if version.drift else ()), *(version.reference.bins if version.reference else ())}
    verdicts = version.drift.features if version.drift else {}
    return sorted(names, key=lambda name: (-verdicts[name].value if name in verdicts else 1.0, name))


def listing(names: list[str], most: int = 4) -> str:
    """Names as a phrase; from `most` on only their number.

    >>> listing(["a_b", "c"]), listing(["a", "b", "c", "d"], most=2)
    ('a b and c', 'a, b and 2 more')
    """
    shown = [title(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _since(version: Version | None, drifted: list[str]) -> str | None:
    if version is None or version.drift is None:
        return None
    verdicts = [version.drift.features[name] for name in drifted] or ([version.drift.score] if version.drift.score.drifted else [])
    return min((verdict.since for verdict in verdicts if verdict.since), default=None)


def _score_drifted(version: Version | None) -> bool:
    return bool(version and version.drift and version.drift.score.drifted)


def _verdict(version: Version | None) -> tuple[str, str]:
    if version is None:
        return "Nothing has been scored yet", "No metrics record has come; start the job with `scoring run score-events`."
    if version.drift is None:
        return "Too early to tell", "No drift window has closed yet; the distributions below hold everything scored so far."
    drifted, count = version.drifted(), len(version.drift.features)
    since = _since(version, drifted)
    when = f" since {clock(epoch(since))}" if since else ""
    if drifted:
        score = "The score has moved with them." if _score_drifted(version) else "The score has not moved."
        return f"{len(drifted)} of {count} features drifted{when}", f"{listing(drifted).capitalize()}. {score}"
    if _score_drifted(version):
        return f"The score drifted{when}", f"None of the {count} features did on its own; look at the model's input together."
    earlier = any(point.drifted for series in version.series.values() for point in series)
    back = " Some were beyond them earlier." if earlier else ""
    return "No drift now", f"All {count} features and the score are within their thresholds in the newest window.{back}"
