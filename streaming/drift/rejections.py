"""Alerts on rejections: too large a share of the events of a window, and a reason that was never seen before.

The reasons of the first ten windows are what a service lives with: they are learnt and not told.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streaming.contracts.reasons import RULES
from streaming.drift.alert import identify
from streaming.drift.rejection_window import Rejections
from streaming.drift.run import Run
from streaming.metrics.records import Alert, Metrics
from streaming.metrics.tally import OTHER

Kind = Literal["rejection_rate", "new_reason"]
LEARNT_WINDOWS = 10  # a rare reason need not come in the first of them


class RateLimit(msgspec.Struct, frozen=True):
    """When a window of rejections closes, and the share of events from which it is an alert."""

    window_s: float
    window_events: int
    share: float


def watch(state: Rejections, deployment: str, record: Metrics, limit: RateLimit) -> list[Alert]:
    """Tell the state, which changes, of one metrics record that did not come before. Returns the alerts of a window that it closes.

    The same records in the same order give the same alerts, ids included.
    """
    again = record.replayed
    state.start, state.end = min(state.start or record.now, record.now), max(state.end, record.now)
    state.at = max(state.at, record.at)
    state.events += record.events - sum(again.values())
    state.rejected += record.rejected - again.get("rejected", 0)
    for told, count in record.rejected_by_reason.items():
        # Which of a batch's reasons the replayed events have is not told: what is over their number is surely of others.
        direct = count - again.get("rejected", 0)
        if direct > 0:
            reason = told if told in RULES else OTHER  # the memory is of a size that no record decides
            state.by_reason[reason] = state.by_reason.get(reason, 0) + direct
    if state.events < max(limit.window_events, 1) or state.length_s < limit.window_s:
        return []
    alerts = [*_new_reasons(state, deployment), *_rate(state, deployment, limit.share)]
    state.start = state.end = state.at = ""
    state.events, state.rejected, state.by_reason, state.windows = 0, 0, {}, state.windows + 1
    return alerts


def _new_reasons(state: Rejections, deployment: str) -> list[Alert]:
    fresh = sorted(state.by_reason.keys() - state.known)
    state.known = sorted({*state.known, *fresh})
    if state.windows < LEARNT_WINDOWS:
        return []
    return [
        _alert(state, deployment, "new_reason", "raised", reason, state.start, state.by_reason[reason] / state.events, 0.0,
               f"events are rejected for {reason}, for the first time: {state.by_reason[reason]:,} of {state.events:,}")
        for reason in fresh
    ]  # fmt: skip


def _rate(state: Rejections, deployment: str, threshold: float) -> list[Alert]:
    share = state.rejected / state.events
    before = Run(state.since, state.quiet)
    after = before.after(drifted=share > threshold, start=state.start)
    state.since, state.quiet = after
    if (before.since is None) == (after.since is None):
        return []
    raised = after.since is not None
    told = f"{share:.1%} of {state.events:,} events are rejected, threshold {threshold:.1%}" + ("" if raised else ", for two windows")
    since = after.since or before.since or state.start
    return [_alert(state, deployment, "rejection_rate", "raised" if raised else "resolved", "", since, share, threshold, told)]


def _alert(
    state: Rejections,
    deployment: str,
    kind: Kind,
    change: Literal["raised", "resolved"],
    reason: str,
    since: str,
    share: float,
    threshold: float,
    told: str,
) -> Alert:
    return Alert(
        id=identify("alert", deployment, state.start, state.end, kind, reason, change),
        at=state.at,
        state=change,
        kind=kind,
        deployment=deployment,
        model="",
        model_version="",
        feature=reason or "rejected",
        measure="share",
        value=round(share, 6),
        threshold=threshold,
        since=since,
        window_start=state.start,
        window_end=state.end,
        events=state.events,
        message=f"{deployment}: {told}; see `scoring rejected list`",
        first_seen=state.end if change == "raised" else None,
        suggestion="`scoring rejected list` groups what is rejected by its cause",
    )
