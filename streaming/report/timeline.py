"""Time in a bounded number of buckets: when the span grows, buckets become twice as wide."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from streaming.metrics.sketches import Histogram, LatencySketch, merge, merge_latencies

MOST_BUCKETS = 120  # more columns than this are finer than a pixel of a phone's screen


def epoch(at: str) -> float:
    """Seconds since 1970 of an RFC 3339 text. Raises ValueError if it is none.

    >>> epoch("1970-01-01T00:01:00.500000Z")
    60.5
    """
    return datetime.fromisoformat(at).timestamp()


@dataclass
class Bucket:
    """What happened in one stretch of time. `scores`: histogram of the score by version key."""

    events: int = 0
    scored: int = 0
    rejected: int = 0
    latency_ms: LatencySketch = field(default_factory=dict)
    scores: dict[str, Histogram] = field(default_factory=dict)

    def add(self, other: Bucket) -> None:
        """Take in another bucket; exact, in any order."""
        self.events += other.events
        self.scored += other.scored
        self.rejected += other.rejected
        self.latency_ms = merge_latencies((self.latency_ms, other.latency_ms))
        for key, histogram in other.scores.items():
            self.scores[key] = merge((self.scores[key], histogram)) if key in self.scores else histogram


@dataclass
class Timeline:
    """Buckets by number: bucket n covers the seconds [n·width_s, (n+1)·width_s) since 1970.

    The span never exceeds MOST_BUCKETS widths, so memory does not grow with time.
    """

    width_s: float = 1.0
    buckets: dict[int, Bucket] = field(default_factory=dict)

    def add(self, moment: float, bucket: Bucket) -> None:
        """Take in what happened at a moment (seconds since 1970); widens the buckets if the span has grown too long.

        >>> timeline = Timeline()
        >>> for second in range(200): timeline.add(second, Bucket(events=1))
        >>> timeline.width_s, sum(b.events for b in timeline.buckets.values())
        (2.0, 200)
        """
        self._put(math.floor(moment / self.width_s), bucket)
        while max(self.buckets) - min(self.buckets) >= MOST_BUCKETS:
            self._widen()

    def span(self) -> tuple[float, float]:
        """Start of the first and end of the last bucket, seconds since 1970; (0, 0) where there is none."""
        if not self.buckets:
            return 0.0, 0.0
        return min(self.buckets) * self.width_s, (max(self.buckets) + 1) * self.width_s

    def coarser(self, columns: int) -> Timeline:
        """The same in buckets wide enough that at most `columns` of them span it."""
        copy = Timeline(self.width_s, dict(self.buckets))
        while copy.buckets and max(copy.buckets) - min(copy.buckets) >= columns:
            copy._widen()
        return copy

    def rows(self) -> list[tuple[float, Bucket]]:
        """(start, bucket) in the order of time; stretches without a record are left out."""
        return [(number * self.width_s, self.buckets[number]) for number in sorted(self.buckets)]

    def _put(self, number: int, bucket: Bucket) -> None:
        self.buckets.setdefault(number, Bucket()).add(bucket)

    def _widen(self) -> None:
        narrow, self.buckets = self.buckets, {}
        self.width_s *= 2
        for number, bucket in narrow.items():
            self._put(number // 2, bucket)
