"""Drift detection: from the records of one series to a verdict on each closed window. No Spark, no clock of its own."""

from __future__ import annotations

import structlog
from msgspec import Struct

from streaming.drift.alert import Change, Kind, alert, identify
from streaming.drift.estimates import estimate_window
from streaming.drift.psi import all_bins, chance_limit, psi
from streaming.drift.rejection_window import Rejections
from streaming.drift.rejections import RateLimit, watch
from streaming.drift.run import Run
from streaming.drift.series import Key, Series, is_repeat
from streaming.drift.window import Shape, Window, extended, opened, shape_of_reference
from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.records import Alert, Drift, FeatureDrift, Metrics, Reference
from streaming.metrics.sketches import Histogram

MEASURE = "psi"
_log = structlog.get_logger("streaming.drift")


class Limits(Struct, frozen=True):
    """When a window closes, and what counts as drift."""

    window_s: float
    window_events: int
    psi_threshold: float
    rejected_share: float = 0.05


def take(series: Series, key: Key, record: Reference | Calibration | Metrics, limits: Limits) -> list[Drift | Alert | Estimate]:
    """Tell a series, which changes, of one record; returns what is to be published: where a window closed a verdict,
    the estimate of its quality if the calibration is known, and alerts.

    A window closes with the first record that makes it `window_s` long and `window_events` large, if the reference is
    known; until that comes the window stays open, so that nothing observed is lost. The same records in the same order
    give the same bytes out, ids included: a replay publishes what was published.
    """
    if not key.model and isinstance(record, Metrics):
        return _rejections(series, key, record, limits)
    if isinstance(record, Reference):
        _refer(series, key, record)
    elif isinstance(record, Calibration):
        series.calibration = record
    elif not is_repeat(series, record):
        for group in record.groups:
            _merge(series, key, opened(record, group))
    window, reference = series.window, series.reference
    if window is None or reference is None or window.length_s < limits.window_s or window.events < limits.window_events:
        return []
    series.window = None
    estimated = estimate_window(key, reference, series.calibration, window) if series.calibration else None
    return [*_judge(series, key, reference, window, limits), *([estimated] if estimated else [])]


def compare(expected: Histogram, actual: Histogram, *, threshold: float, start: str, since: str | None) -> FeatureDrift:
    """Verdict on one feature: PSI against the threshold, or against what chance can do where a small window makes that larger.

    start: of the window, RFC 3339; since: start of the run of drifted windows before it, None if there is none.

    >>> verdict = compare(Histogram([500, 500]), Histogram([900, 100]), threshold=0.2, start="2026-01-01T00:00:00.000000Z", since=None)
    >>> verdict.drifted, round(verdict.value, 2), verdict.threshold
    (True, 0.88, 0.2)
    >>> compare(Histogram([500, 500]), Histogram([8, 3]), threshold=0.2, start="", since=None).threshold > 2
    True
    """
    bins = all_bins(expected), all_bins(actual)
    value, limit = psi(*bins), max(threshold, chance_limit(*bins))
    drifted = value > limit
    return FeatureDrift(MEASURE, round(value, 6), round(limit, 6), drifted, (since or start) if drifted else None, actual)


def _rejections(series: Series, key: Key, record: Metrics, limits: Limits) -> list[Drift | Alert | Estimate]:
    if is_repeat(series, record):
        return []
    series.rejections = series.rejections or Rejections()
    return [*watch(series.rejections, key.deployment, record, RateLimit(limits.window_s, limits.window_events, limits.rejected_share))]


def _refer(series: Series, key: Key, reference: Reference) -> None:
    """Keep the reference. Another model file under the same version is another series: what was collected ends."""
    known = series.reference
    if known is not None and known.model_sha256 != reference.model_sha256:
        series.keep({}, Run())
    series.reference = reference
    if series.window is not None and series.window.shape != shape_of_reference(reference):
        _refuse(key, series.window.shape, series.window.events)
        series.window = None


def _merge(series: Series, key: Key, batch: Window) -> None:
    known = series.window.shape if series.window else batch.shape
    expected = shape_of_reference(series.reference) if series.reference else known
    if batch.shape != expected:
        _refuse(key, batch.shape, batch.events)
        return
    series.window = extended(series.window, batch) if series.window else batch


def _refuse(key: Key, shape: Shape, events: int) -> None:
    """Histograms over other bins than the reference's cannot be compared: told, for they should never come."""
    _log.warning("histograms_do_not_fit_reference", **key._asdict(), model_sha256=shape.model_sha256, events=events)


def _judge(series: Series, key: Key, reference: Reference, window: Window, limits: Limits) -> list[Drift | Alert]:
    def change(kind: Kind, name: str, pair: tuple[Histogram, Histogram], before: Run) -> Change:
        threshold = reference.thresholds.get(name, limits.psi_threshold) if kind == "input_drift" else limits.psi_threshold
        found = compare(*pair, threshold=threshold, start=window.start, since=before.since)
        return Change(kind, name, found, before, before.after(drifted=found.drifted, start=window.start))

    runs = series.runs()
    pairs = {name: (reference.counts[name], actual) for name, actual in window.features.items()}
    features = {name: change("input_drift", name, pair, runs.get(name, Run())) for name, pair in pairs.items()}
    score = change("output_drift", "score", (reference.score_counts, window.score), series.score_run())
    series.keep({name: feature.after for name, feature in features.items()}, score.after)
    alerts = [alert(key, window, feature) for feature in (*features.values(), score) if feature.is_one]
    return [_drift(key, window, {name: feature.found for name, feature in features.items()}, score.found), *alerts]


def _drift(key: Key, window: Window, features: dict[str, FeatureDrift], score: FeatureDrift) -> Drift:
    return Drift(
        id=identify("drift", *key, window.start, window.end),
        at=window.at,
        **key._asdict(),
        window_start=window.start,
        window_end=window.end,
        events=window.events,
        features=features,
        score=score,
    )
