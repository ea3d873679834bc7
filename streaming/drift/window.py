"""The open window of one series: histograms merged until there is enough of them to judge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from streaming.metrics import kll
from streaming.metrics.records import Group, Metrics, Reference, SliceCounts
from streaming.metrics.sketches import Histogram, merge
from streaming.metrics.tally import merge_quantiles


class Shape(msgspec.Struct, frozen=True):
    """What histograms must agree on to be added or compared: the model file, and the number of bins of each feature."""

    model_sha256: str
    features: dict[str, int]
    score: int


class Window(msgspec.Struct, frozen=True):
    """Histograms of all batches of a window so far. `start` and `end`: plan times of its first and last batch.

    `at`: when its last batch ended. Size depends on the bins alone, not on the events.
    """

    start: str
    end: str
    at: str
    events: int
    shape: Shape
    features: dict[str, Histogram]
    score: Histogram
    quantiles: dict[str, bytes] = {}
    """KLL sketches, by numeric feature; empty from a scoring job that makes none"""
    score_quantiles: bytes = b""

    @property
    def length_s(self) -> float:
        """Seconds from the first batch's plan time to the last one's."""
        return (datetime.fromisoformat(self.end) - datetime.fromisoformat(self.start)).total_seconds()


def opened(record: Metrics, group: Group) -> Window:
    """A window that holds what one group did in one batch."""
    span = record.now, record.now, record.at
    return Window(*span, group.scored, shape_of_group(group), group.features, group.score, group.quantiles, group.score_quantiles)


def opened_slice(record: Metrics, group: Group, counts: SliceCounts) -> Window:
    """A window that holds what one group did with one slice in one batch; it has no quantiles."""
    shape = _shape(group.model_sha256, counts.features, counts.score)
    return Window(record.now, record.now, record.at, counts.scored, shape, counts.features, counts.score)


def extended(window: Window, batch: Window) -> Window:
    """Sum of two windows of the same shape; order does not matter. Raises ValueError if their bins differ."""
    return Window(
        start=min(window.start, batch.start),
        end=max(window.end, batch.end),
        at=max(window.at, batch.at),
        events=window.events + batch.events,
        shape=window.shape,
        features={name: merge([histogram, batch.features[name]]) for name, histogram in window.features.items()},
        score=merge([window.score, batch.score]),
        quantiles=merge_quantiles([window.quantiles, batch.quantiles]),
        score_quantiles=kll.merge([window.score_quantiles, batch.score_quantiles]),
    )


def shape_of_group(group: Group) -> Shape:
    """Shape of what a batch observed."""
    return _shape(group.model_sha256, group.features, group.score)


def shape_of_reference(reference: Reference) -> Shape:
    """Shape of what training observed."""
    return _shape(reference.model_sha256, reference.counts, reference.score_counts)


def shape_of_slice(reference: Reference, name: str) -> Shape:
    """Shape of what training observed of a slice that the reference names."""
    counts = reference.slices[name]
    return _shape(reference.model_sha256, counts.features, counts.score)


def _shape(sha256: str, features: Mapping[str, Histogram], score: Histogram) -> Shape:
    return Shape(sha256, {name: len(histogram.counts) for name, histogram in features.items()}, len(score.counts))
