"""Training, the window before and the window a season ago, each as samples to compare a window with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streaming.drift.sample import Sample
from streaming.drift.scope import Past, Scope
from streaming.drift.window import Window
from streaming.metrics.records import Against, Reference
from streaming.metrics.sketches import Histogram


class Samples(NamedTuple):
    """A sample of each feature, and the score's."""

    features: Mapping[str, Sample]
    score: Sample


def of_window(window: Window) -> Samples:
    """What a window holds."""
    return _joined(window.features, window.quantiles, window.score, window.score_quantiles)


def of_reference(reference: Reference, slice_name: str) -> Samples:
    """What training held, of all rows or of the slice that is named."""
    if slice_name:
        counts = reference.slices[slice_name]
        return _joined(counts.features, {}, counts.score, b"")
    return _joined(reference.counts, reference.quantiles, reference.score_counts, reference.score_quantiles)


def before(scope: Scope, season_windows: int) -> dict[Against, Samples]:
    """The windows before that a scope remembers: the last one, and with it the one a season ago as soon as there is one."""
    if not scope.past:
        return {}
    found: dict[Against, Samples] = {"previous": _of_past(scope.past[-1], scope.quantiles, scope.score_quantiles)}
    if len(scope.past) == season_windows > 1:
        found["season"] = _of_past(scope.past[0], {}, b"")
    return found


def _of_past(past: Past, quantiles: Mapping[str, bytes], score_quantiles: bytes) -> Samples:
    return _joined({name: _histogram(bins) for name, bins in past.features.items()}, quantiles, _histogram(past.score), score_quantiles)


def _histogram(bins: Sequence[int]) -> Histogram:
    *counts, missing, unseen = bins
    return Histogram(counts, missing, unseen)


def _joined(features: Mapping[str, Histogram], quantiles: Mapping[str, bytes], score: Histogram, score_quantiles: bytes) -> Samples:
    return Samples({name: Sample(counts, quantiles.get(name, b"")) for name, counts in features.items()}, Sample(score, score_quantiles))
