"""Alerts: raised once when a feature's run of drifted windows begins, resolved once when it ends."""

from __future__ import annotations

from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from streaming.drift.compare import SCORE, Kind, Subject
from streaming.drift.run import Run
from streaming.drift.series import Key
from streaming.drift.window import Window
from streaming.metrics.alert_records import Severity
from streaming.metrics.records import Alert, FeatureDrift

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:streaming-scoring:drift")
_CRITICAL = 2.5  # times the threshold
_MATTERS = 0.5  # of the average feature's importance: less than it hurts little, however far it moves


class Change(msgspec.Struct, frozen=True):
    """A subject's verdict, its run before and after this window, and what an alert of it would tell beside that."""

    subject: Subject
    found: FeatureDrift
    before: Run
    after: Run
    owner: str = ""
    first_seen: str | None = None
    """end of the window that raised the alert of this run; None if it is this one"""
    changed_at: str | None = None
    suggestion: str = ""
    features: int = 1
    """how many there are: what an importance is compared with"""

    @property
    def kind(self) -> Kind:
        """input_drift or output_drift."""
        return self.subject.kind

    @property
    def feature(self) -> str:
        """The feature's name, or score."""
        return self.subject.name

    @property
    def is_one(self) -> bool:
        """Whether the run began or ended with this window."""
        return (self.before.since is None) != (self.after.since is None)


def identify(*parts: str) -> str:
    """The id that these parts always get: UUIDv5 of their canonical JSON.

    >>> identify("drift", "a") == identify("drift", "a"), identify("a", "bc") == identify("ab", "c")
    (True, False)
    """
    return str(uuid5(_NAMESPACE, msgspec.json.encode(parts).decode()))


def alert(key: Key, window: Window, change: Change, slice_name: str = "") -> Alert:
    """The alert that tells a change."""
    state: Literal["raised", "resolved"] = "raised" if change.after.since else "resolved"
    since = change.after.since or change.before.since or window.start
    named = (slice_name,) if slice_name else ()  # the ids of alerts on all events are those of the releases before slices
    return Alert(
        id=identify("alert", *key, window.start, window.end, change.kind, change.feature, state, *named),
        at=window.at,
        state=state,
        kind=change.kind,
        **key._asdict(),
        feature=change.feature,
        measure=change.found.measure,
        value=change.found.value,
        threshold=change.found.threshold,
        since=since,
        window_start=window.start,
        window_end=window.end,
        events=window.events,
        message=_message(key, window, change, since, slice_name),
        severity=severity(change),
        owner=change.owner,
        first_seen=change.first_seen or window.end,
        changed_at=change.changed_at,
        evidence={name: measured.value for name, measured in change.found.measures.get("training", {}).items()},
        suggestion=change.suggestion if state == "raised" else "",
        slice=slice_name,
    )


def severity(change: Change) -> Severity:
    """How much it hurts: critical for a score, or a feature that matters, far beyond its threshold; info for one that does not matter.

    What nobody measured the importance of counts as one that matters.
    """
    found = change.found
    matters = change.subject == SCORE or found.importance is None or found.importance * change.features >= _MATTERS
    if not found.drifted or not matters:
        return "info"
    return "critical" if found.value > _CRITICAL * found.threshold else "warning"


def _message(key: Key, window: Window, change: Change, since: str, slice_name: str) -> str:
    found = change.found
    told = "has drifted from its training reference" if found.drifted else "is back within its training reference for two windows"
    figure = f"{found.measure.upper()} {found.value:.3f}, threshold {found.threshold:.3f}, over {window.events} events"
    where = f" where {slice_name}" if slice_name else ""
    return f"{key.deployment}: {change.feature}{where} {told} of {key.model} version {key.model_version}: {figure}; drift since {since}"
