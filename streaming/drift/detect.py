"""Drift detection: from the records of one series to a verdict on each closed window. No Spark, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from streaming.drift.estimates import estimate_window
from streaming.drift.judge import Judge
from streaming.drift.limits import Limits
from streaming.drift.rejection_window import Rejections
from streaming.drift.rejections import RateLimit, watch
from streaming.drift.scope import Scope
from streaming.drift.series import Key, Series, is_repeat
from streaming.drift.window import Shape, Window, extended, opened, opened_slice, shape_of_reference, shape_of_slice
from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.records import Alert, Drift, Metrics, Reference

__all__ = ["Limits", "take"]
MOST_SLICES = 200  # of one series; a reference that names more is cut to the first, so that the memory is of a known size
_log = structlog.get_logger("streaming.drift")


def take(series: Series, key: Key, record: Reference | Calibration | Metrics, limits: Limits) -> list[Drift | Alert | Estimate]:
    """Tell a series, which changes, of one record; returns what is to be published: where windows closed verdicts, the estimate of
    the model's quality if the calibration is known, and alerts.

    A window closes with the first record that makes it `window_s` long and `window_events` large, if the reference is
    known; until that comes the window stays open, so that nothing observed is lost. Each slice has windows of its own. The same
    records in the same order give the same bytes out, ids included: a replay publishes what was published.
    """
    if not key.model and isinstance(record, Metrics):
        return _rejections(series, key, record, limits)
    if isinstance(record, Reference):
        _refer(series, key, record)
    elif isinstance(record, Calibration):
        series.calibration = record
    elif not is_repeat(series, record):
        for group in record.groups:
            _merge(series, key, opened(record, group), shape_of_reference(series.reference) if series.reference else None)
        _merge_slices(series, key, record)
    return list(_verdicts(series, key, limits))


def _verdicts(series: Series, key: Key, limits: Limits) -> Iterator[Drift | Alert | Estimate]:
    if series.reference is None:
        return
    for name, scope in (("", series), *series.slices.items()):
        window = scope.window
        if window is not None and window.length_s >= limits.window_s and window.events >= limits.window_events:
            scope.window = None
            yield from Judge(key, series.reference, limits, name)(scope, window)
            if scope is series and series.calibration is not None:
                estimated = estimate_window(key, series.reference, series.calibration, window)
                yield from [estimated] if estimated else []


def _rejections(series: Series, key: Key, record: Metrics, limits: Limits) -> list[Drift | Alert | Estimate]:
    if is_repeat(series, record):
        return []
    series.rejections = series.rejections or Rejections()
    return [*watch(series.rejections, key.deployment, record, RateLimit(limits.window_s, limits.window_events, limits.rejected_share))]


def _refer(series: Series, key: Key, reference: Reference) -> None:
    """Keep the reference. Another model file under the same version is another series: what was collected ends."""
    known = series.reference
    if known is not None and known.model_sha256 != reference.model_sha256:
        series.forget()
        series.slices = {}
    series.reference = reference
    if series.window is not None and series.window.shape != shape_of_reference(reference):
        _refuse(key, series.window.shape, series.window.events)
        series.window = None


def _merge_slices(series: Series, key: Key, record: Metrics) -> None:
    """Slices count from the reference on: what is none of its slices has nothing to be compared with."""
    reference = series.reference
    if reference is None:
        return
    known = dict.fromkeys(list(reference.slices)[:MOST_SLICES])
    for group in record.groups:
        for name, counts in group.slices.items():
            if name in known:
                scope = series.slices.setdefault(name, Scope())
                _merge(scope, key, opened_slice(record, group, counts), shape_of_slice(reference, name))


def _merge(scope: Scope, key: Key, batch: Window, expected: Shape | None) -> None:
    known = scope.window.shape if scope.window else batch.shape
    if batch.shape != (expected or known):
        _refuse(key, batch.shape, batch.events)
        return
    scope.window = extended(scope.window, batch) if scope.window else batch


def _refuse(key: Key, shape: Shape, events: int) -> None:
    """Histograms over other bins than the reference's cannot be compared: told, for they should never come."""
    _log.warning("histograms_do_not_fit_reference", **key._asdict(), model_sha256=shape.model_sha256, events=events)
