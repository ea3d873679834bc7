"""Alerts about groups that are not served alike: raised when a bound is passed, resolved when it no longer is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from streaming.metrics.quality_record import FairnessGroup, Figure, Quality
from streaming.metrics.records import Alert
from streaming.truth.fairness import SELECTION

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:streaming-scoring:truth")
_RATIO = "_ratio"


def alerts_of(record: Quality, last: Callable[[str], Alert | None]) -> Iterator[tuple[str, Alert]]:
    """Alerts that a window's figures give rise to, each with the name of what it is about.

    last: the newest alert about a name. One is raised where none stands; it is resolved by a window that is no older than its own.
    """
    for group in record.fairness:
        if not group.judged or group.reference:
            continue
        for measure in (*group.differences, f"{SELECTION}{_RATIO}"):
            about = f"{group.model}/{group.model_version}/{group.column}={group.group}/{measure}"
            before = last(about)
            standing = before is not None and before.state == "raised"
            if measure in group.beyond and not standing:
                yield about, _alert(record, group, measure, "raised", record.window_start)
            elif before is not None and standing and measure not in group.beyond and record.window_start >= before.window_start:
                yield about, _alert(record, group, measure, "resolved", before.since, before.threshold)


def _alert(
    record: Quality, group: FairnessGroup, measure: str, state: Literal["raised", "resolved"], since: str, threshold: float = 0.0
) -> Alert:
    figure = _figure(group, measure)
    bound = group.beyond.get(measure, threshold)
    feature = f"{group.column}={group.group}"
    told = "lies beyond its bound" if state == "raised" else "is within its bound again"
    low, high = ("?" if end is None else f"{end:.3f}" for end in (figure.low, figure.high))
    return Alert(
        id=str(uuid5(_NAMESPACE, msgspec.json.encode([record.id, feature, group.model_version, measure, state]).decode())),
        at=record.at,
        state=state,
        kind="fairness",
        deployment=record.deployment,
        model=group.model,
        model_version=group.model_version,
        feature=feature,
        measure=measure,
        value=figure.value,
        threshold=bound,
        since=since,
        window_start=record.window_start,
        window_end=record.window_end,
        events=group.predictions,
        message=f"{record.deployment}: {measure} of {feature} {told} beside the largest group: "
        f"{figure.value:+.3f} ({low} to {high}), bound {bound:g}",
    )


def _figure(group: FairnessGroup, measure: str) -> Figure:
    if measure.endswith(_RATIO):
        return group.ratios.get(SELECTION, Figure(0.0, None, None, "none"))
    return group.differences[measure]
