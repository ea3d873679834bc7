"""The alerts topic folded into what a person asks for: what is open, who looks after it, and what nobody wants to be told of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from streaming.metrics.records import Acknowledgement, Alert, Record, Silence

MOST_RESOLVED = 100
MOST_ACKNOWLEDGED = 10_000


class Cause(NamedTuple):
    """What an alert is about: its raising and its end agree on it."""

    deployment: str
    model: str
    model_version: str
    kind: str
    feature: str
    slice: str


@dataclass
class AlertBook:
    """Starts empty; `tell` adds one record. A record that comes again changes nothing."""

    open: dict[Cause, Alert] = field(default_factory=dict)
    """raised and not resolved, the oldest first"""
    resolved: deque[Alert] = field(default_factory=lambda: deque(maxlen=MOST_RESOLVED))
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    """by the alert's id"""
    silences: dict[tuple[str, str, str, str], Silence] = field(default_factory=dict)
    """by deployment, feature, kind and slice: the one that was asked for last"""

    def silence_of(self, alert: Alert, now: str) -> Silence | None:
        """The silence that an alert falls under at a moment (RFC 3339, microseconds); None if it is to be told."""
        return next((silence for silence in self.silences.values() if silence.until > now and _covers(silence, alert)), None)

    def acknowledgement_of(self, alert: Alert) -> Acknowledgement | None:
        """Who has seen an alert; None if nobody has."""
        return self.acknowledged.get(alert.id)


def tell(book: AlertBook, record: Record | None) -> None:
    """Add one record of the alerts topic; what is no alert, silence or acknowledgement tells nothing."""
    if isinstance(record, Alert):
        _tell_alert(book, record)
    elif isinstance(record, Acknowledgement):
        book.acknowledged[record.alert] = record
        if len(book.acknowledged) > MOST_ACKNOWLEDGED:
            del book.acknowledged[next(iter(book.acknowledged))]
        # A new reason is no state that ends: it stays open until somebody has seen it.
        seen = [cause for cause, alert in book.open.items() if alert.id == record.alert and alert.kind == "new_reason"]
        for cause in seen:
            del book.open[cause]
    elif isinstance(record, Silence):
        _tell_silence(book, record)


def cause_of(alert: Alert) -> Cause:
    """What an alert is about.

    >>> Cause._fields
    ('deployment', 'model', 'model_version', 'kind', 'feature', 'slice')
    """
    return Cause(alert.deployment, alert.model, alert.model_version, alert.kind, alert.feature, alert.slice)


def _tell_alert(book: AlertBook, alert: Alert) -> None:
    cause = cause_of(alert)
    if alert.state == "raised":
        newest = book.open.get(cause)
        ended = any(cause_of(each) == cause and each.window_end >= alert.window_end for each in book.resolved)
        if not ended and (newest is None or alert.window_end > newest.window_end):
            book.open[cause] = alert
        return
    known = book.open.get(cause)
    if known is not None and known.window_end <= alert.window_end:
        del book.open[cause]
        book.resolved.append(alert)


def _tell_silence(book: AlertBook, silence: Silence) -> None:
    about = silence.deployment, silence.feature, silence.kind, silence.slice
    known = book.silences.get(about)
    if known is None or silence.at >= known.at:
        book.silences[about] = silence


def _covers(silence: Silence, alert: Alert) -> bool:
    pairs = [(getattr(silence, name), getattr(alert, name)) for name in ("deployment", "feature", "kind", "slice")]
    return all(asked in ("", found) for asked, found in pairs)
