"""What the drift job takes from the metrics topic: a strange record is refused and told, and never stops what comes after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import structlog

from streaming.drift.series import Series
from streaming.drift.window import Window
from streaming.metrics import kll
from streaming.metrics.estimate_records import Calibration
from streaming.metrics.labelled_cells import fault_of_cells
from streaming.metrics.records import Group, Metrics, Record, Reference, SliceCounts, decode, fault_of
from streaming.metrics.sketches import Histogram

COUNT_MAX = 2**53  # what every reader of JSON holds exactly
_MOMENT = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{6}Z")
_log = structlog.get_logger("streaming.drift")


def admit(value: bytes | None, *, partition: int, offset: int) -> Record | None:
    """The record in a message of the metrics topic, if it is sound; else None, and one warning `record_refused`.

    value: the message's bytes, None for a message without; partition, offset: where it lies, for the warning.
    Kinds and versions that this release does not know are passed over without a word.

    >>> admit(b'{"record": "of a later release"}', partition=0, offset=7) is None
    True
    """
    record = decode(value or b"")
    reason = fault_of(value or b"") if record is None else fault(record)
    if reason is None:
        return record
    _log.warning("record_refused", partition=partition, offset=offset, reason=reason)
    return None


def mended(series: Series) -> Series:
    """A remembered series without what releases before this one let in: an unsound window or reference is dropped, and told."""
    for part, reason in (("window", _window_fault(series.window)), ("reference", _reference_fault(series.reference))):
        if reason is not None:
            _log.warning("state_refused", part=part, reason=reason)
            setattr(series, part, None)
    return series


def fault(record: Record) -> str | None:
    """What is wrong with a decoded record, in one line; None if it can be merged and compared.

    Times are to be RFC 3339 in UTC with microseconds, counts from 0 to 2^53 and not all 0, bins and counts of a reference
    alike, a calibration's cells consistent. Groups that scored nothing, and drift and alert records and estimates, are not
    looked at: nothing is computed from them.
    """
    if isinstance(record, Reference):
        return _reference_fault(record)
    if isinstance(record, Calibration):
        return fault_of_cells(record.cells)
    return next(_of_metrics(record), None) if isinstance(record, Metrics) else None


def _reference_fault(reference: Reference | None) -> str | None:
    return next(_of_reference(reference), None) if reference else None


def _window_fault(window: Window | None) -> str | None:
    return next(_of_window(window), None) if window else None


def _of_reference(reference: Reference) -> Iterator[str]:
    odd = reference.bins.keys() ^ reference.counts.keys()
    if odd:
        yield f"only one of bins and counts has {min(odd)[:40]!r}; expected the same features in both"
    for name in reference.bins.keys() & reference.counts.keys():
        yield from _of_histogram(f"counts.{name[:40]}", reference.counts[name], reference.bins[name].size)
    for name, threshold in reference.thresholds.items():
        if not threshold > 0:
            yield f"thresholds.{name[:40]} is {threshold:g}; expected a number above 0"
    yield from _of_histogram("score_counts", reference.score_counts, reference.score_bins.size)
    yield from _of_sketches(reference.quantiles, reference.score_quantiles)
    for name, share in reference.importance.items():
        if not 0 <= share <= 1:
            yield f"importance.{name[:40]} is {share:g}; expected a share"
    yield from _of_slices(reference.slices)


def _of_metrics(record: Metrics) -> Iterator[str]:
    yield from _of_times({"now": record.now, "at": record.at})
    if not 0 <= record.batch_id <= COUNT_MAX or not 0 <= record.chunk < record.chunks:
        yield f"batch {_short(record.batch_id)}, chunk {_short(record.chunk)} of {_short(record.chunks)}; expected both to count from 0"
    for group in record.groups:
        if group.scored:
            yield from _of_group(group)
    yield from _of_counts(record)


def _of_counts(record: Metrics) -> Iterator[str]:
    named = {"events": [record.events], "rejected_by_reason": record.rejected_by_reason.values(), "replayed": record.replayed.values()}
    for name, counts in named.items():
        odd = [count for count in counts if not 0 <= count <= COUNT_MAX]
        if odd:
            yield f"{name} counts {_short(odd[0])}; expected 0 to 2^53"


def _of_group(group: Group) -> Iterator[str]:
    if not 0 < group.scored <= COUNT_MAX:
        yield f"scored is {_short(group.scored)}; expected 0 to 2^53"
    yield from _of_histograms(group.features, group.score)
    yield from _of_sketches(group.quantiles, group.score_quantiles)
    yield from _of_slices(group.slices)


def _of_window(window: Window) -> Iterator[str]:
    yield from _of_times({"start": window.start, "end": window.end, "at": window.at})
    yield from _of_histograms(window.features, window.score)
    yield from _of_sketches(window.quantiles, window.score_quantiles)


def _of_slices(slices: Mapping[str, SliceCounts]) -> Iterator[str]:
    for name, counts in slices.items():
        if not 0 < counts.scored <= COUNT_MAX:
            yield f"slices.{name[:40]}.scored is {_short(counts.scored)}; expected 1 to 2^53"
        yield from _of_histograms(counts.features, counts.score)


def _of_sketches(sketches: Mapping[str, bytes], score: bytes) -> Iterator[str]:
    named = {f"quantiles.{name[:40]}": sketch for name, sketch in sketches.items()}
    for path, sketch in {**named, **({"score_quantiles": score} if score else {})}.items():
        if (reason := kll.fault(sketch)) is not None:
            yield f"{path} {reason}"


def _of_histograms(features: Mapping[str, Histogram], score: Histogram) -> Iterator[str]:
    for name, histogram in features.items():
        yield from _of_histogram(f"features.{name[:40]}", histogram, len(histogram.counts))
    yield from _of_histogram("score", score, len(score.counts))


def _of_histogram(path: str, histogram: Histogram, size: int) -> Iterator[str]:
    counts = [*histogram.counts, histogram.missing, histogram.unseen]
    if len(histogram.counts) != size:
        yield f"{path} has {len(histogram.counts)} counts; expected one for each of {size} bins"
    if not all(0 <= count <= COUNT_MAX for count in counts):
        yield f"{path} counts from {_short(min(counts))} to {_short(max(counts))}; expected 0 to 2^53"
    if not any(counts):
        yield f"{path} is empty; expected what was counted of each scored event"


def _of_times(times: Mapping[str, str]) -> Iterator[str]:
    for name, text in times.items():
        if not _is_moment(text):
            yield f"{name} is {text[:40]!r}; expected RFC 3339 in UTC with microseconds, as 2026-01-02T03:04:05.000000Z"


def _short(number: int) -> str:
    return str(number)[:24]


def _is_moment(text: str) -> bool:
    """Whether a text is a time of ours: of one form, so that texts sort as their times do."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return _MOMENT.fullmatch(text) is not None
