"""The story of a service, folded from its metrics, drift and alert records. Pure: no Kafka, no clock, bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from streaming.metrics.records import Alert, Drift, FeatureDrift, Group, Metrics, Record, Reference, Tracked
from streaming.metrics.sketches import Histogram, LatencySketch, merge, merge_latencies
from streaming.report.timeline import Bucket, Timeline, epoch

SCORE = "score"
MOST_KNOWN_IDS = 20_000  # a record comes again only right after a restart, so a distant past need not be remembered
MOST_POINTS = 240
MOST_ALERTS = 200
RECENT_S = 60.0


@dataclass(frozen=True)
class Point:
    """A drift measure at the end of a window; `at` in seconds since 1970, `threshold` in the measure's unit."""

    at: float
    value: float
    threshold: float
    drifted: bool


@dataclass
class Version:
    """What is known of one exact model version. `features` and `score` are counts over everything that it scored."""

    deployment: str
    model: str
    model_version: str
    model_sha256: str = ""
    reference: Reference | None = None
    drift: Drift | None = None
    series: dict[str, list[Point]] = field(default_factory=dict)
    features: dict[str, Histogram] = field(default_factory=dict)
    score: Histogram | None = None
    scored: int = 0
    score_sum: float = 0.0
    last_seen: float = 0.0

    @property
    def key(self) -> str:
        """Deployment, model and version as one text."""
        return f"{self.deployment}/{self.model}/{self.model_version}"

    def current(self, feature: str) -> Histogram | None:
        """The feature's (or score's) newest closed window; everything scored where no window has closed yet."""
        verdict = self.verdict(feature)
        if verdict is not None:
            return verdict.current
        return self.score if feature == SCORE else self.features.get(feature)

    def verdict(self, feature: str) -> FeatureDrift | None:
        """The newest verdict on a feature or the score."""
        if self.drift is None:
            return None
        return self.drift.score if feature == SCORE else self.drift.features.get(feature)

    def drifted(self) -> list[str]:
        """Features that are drifted in the newest window, the largest measure first; the score is not among them."""
        verdicts = self.drift.features if self.drift else {}
        return sorted((name for name, verdict in verdicts.items() if verdict.drifted), key=lambda name: -verdicts[name].value)


@dataclass(frozen=True)
class Recent:
    """One batch of the last minute: when it ended (seconds since 1970), its events, its latencies."""

    at: float
    events: int
    latency_ms: LatencySketch


@dataclass
class Story:
    """Everything the report and the terminal page show. Starts empty; `tell` adds one record."""

    versions: dict[str, Version] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    recent: deque[Recent] = field(default_factory=lambda: deque(maxlen=1000))
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=MOST_ALERTS))
    offsets: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    events: int = 0
    scored: int = 0
    repeated: int = 0
    first_rejected: int = 0
    """events that were rejected when they first came; another attempt does not count again"""
    mended: int = 0
    """events that a replay brought to their prediction"""
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    """reasons of `first_rejected`, those of the mended among them"""
    latency_ms: LatencySketch = field(default_factory=dict)
    batches: int = 0
    waited_s: float = 0.0
    known: dict[str, None] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Events without a prediction. What was rejected before the oldest record, and mended since, is not counted below 0."""
        return max(0, self.first_rejected - self.mended)

    def serving(self) -> Version | None:
        """The version that scored last; None before the first."""
        return max(self.versions.values(), key=lambda version: version.last_seen, default=None)


def tell(story: Story, record: Record) -> None:
    """Add one record to the story. A record whose id is known changes nothing."""
    if isinstance(record, Tracked):
        return  # no part of the story, and there may be millions: their ids would drive out those that count
    key = f"{type(record).__name__} {record.id}"
    if key in story.known:
        return
    story.known[key] = None
    if len(story.known) > MOST_KNOWN_IDS:
        del story.known[next(iter(story.known))]
    match record:
        case Reference():
            _tell_reference(story, record)
        case Metrics():
            _tell_metrics(story, record)
        case Drift():
            _tell_drift(story, record)
        case Alert():
            story.alerts.append(record)


def _version(story: Story, record: Reference | Drift, at: float) -> Version:
    return _find(story, Version(record.deployment, record.model, record.model_version), at)


def _find(story: Story, candidate: Version, at: float) -> Version:
    version = story.versions.setdefault(candidate.key, candidate)
    version.last_seen = max(version.last_seen, at)
    version.model_sha256 = candidate.model_sha256 or version.model_sha256
    return version


def _tell_reference(story: Story, record: Reference) -> None:
    version = _version(story, record, epoch(record.at))
    version.reference = record
    version.model_sha256 = record.model_sha256


def _tell_drift(story: Story, record: Drift) -> None:
    if record.slice:  # a page of the whole would show a part for it
        return
    # A verdict comes after its window and may be of a version that no longer serves: it does not make it the newest.
    version = _version(story, record, 0.0)
    if version.drift is None or record.window_end >= version.drift.window_end:
        version.drift = record
    for name, verdict in (*record.features.items(), (SCORE, record.score)):
        series = version.series.setdefault(name, [])
        series.append(Point(epoch(record.window_end), verdict.value, verdict.threshold, verdict.drifted))
        if len(series) > MOST_POINTS:
            version.series[name] = _thin(series)


def _thin(series: list[Point]) -> list[Point]:
    """Half the points: of each pair of neighbours the larger, so that no excursion over the threshold is lost."""
    return [max(series[i : i + 2], key=lambda point: point.value) for i in range(0, len(series), 2)]


def _tell_metrics(story: Story, record: Metrics) -> None:
    at = epoch(record.at)
    story.events += record.events - sum(record.replayed.values())
    story.scored += record.scored
    story.repeated += record.repeated - record.replayed.get("repeated", 0)
    story.first_rejected += record.rejected - record.replayed.get("rejected", 0)
    story.mended += record.replayed.get("scored", 0)
    story.batches += record.chunk == 0
    story.waited_s += record.waited_s
    for reason, count in _first_reasons(record):
        story.rejected_by_reason[reason] = story.rejected_by_reason.get(reason, 0) + count
    story.latency_ms = merge_latencies((story.latency_ms, record.latency_ms))
    _tell_recent(story, Recent(at, record.events, record.latency_ms))
    _tell_offsets(story, record)
    groups = [group for group in record.groups if group.scored]
    scores = {_tell_group(story, record, group, at): group.score for group in groups}
    story.timeline.add(at, Bucket(record.events, record.scored, record.rejected, record.latency_ms, scores))


def _first_reasons(record: Metrics) -> Iterator[tuple[str, int]]:
    """Reasons of the events that came for the first time. Which the replayed ones have is not told: the commonest, as one cause has."""
    again = record.replayed.get("rejected", 0)
    for reason, count in sorted(record.rejected_by_reason.items(), key=lambda item: (-item[1], item[0])):
        if count > again:
            yield reason, count - again
        again = max(0, again - count)


def _tell_recent(story: Story, batch: Recent) -> None:
    story.recent.append(batch)
    while story.recent[0].at < batch.at - RECENT_S:
        story.recent.popleft()


def _tell_offsets(story: Story, record: Metrics) -> None:
    for topic, partitions in record.offsets.items():
        covered = story.offsets.setdefault(topic, {})
        for partition, (first, end) in partitions.items():
            low, high = covered.get(partition, (first, end))
            covered[partition] = [min(low, first), max(high, end)]


def _tell_group(story: Story, record: Metrics, group: Group, at: float) -> str:
    candidate = Version(record.deployment, group.model, group.model_version, group.model_sha256)
    version = _find(story, candidate, at)
    version.scored += group.scored
    version.score_sum += group.score_sum
    version.score = merge((version.score, group.score)) if version.score else group.score
    for name, histogram in group.features.items():
        version.features[name] = merge((version.features[name], histogram)) if name in version.features else histogram
    return version.key
