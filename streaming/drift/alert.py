"""Alerts: raised once when a feature's run of drifted windows begins, resolved once when it ends."""

from __future__ import annotations

from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from streaming.drift.run import Run
from streaming.drift.series import Key
from streaming.drift.window import Window
from streaming.metrics.records import Alert, FeatureDrift

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:streaming-scoring:drift")


Kind = Literal["input_drift", "output_drift"]


class Change(msgspec.Struct, frozen=True):
    """A feature's verdict, and its run before and after this window."""

    kind: Kind
    feature: str
    found: FeatureDrift
    before: Run
    after: Run

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


def alert(key: Key, window: Window, change: Change) -> Alert:
    """The alert that tells a change."""
    state: Literal["raised", "resolved"] = "raised" if change.after.since else "resolved"
    since = change.after.since or change.before.since or window.start
    return Alert(
        id=identify("alert", *key, window.start, window.end, change.kind, change.feature, state),
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
        message=_message(key, window, change, since),
    )


def _message(key: Key, window: Window, change: Change, since: str) -> str:
    found = change.found
    told = "has drifted from its training reference" if found.drifted else "is back within its training reference for two windows"
    figure = f"{found.measure.upper()} {found.value:.3f}, threshold {found.threshold:.3f}, over {window.events} events"
    return f"{key.deployment}: {change.feature} {told} of {key.model} version {key.model_version}: {figure}; drift since {since}"
