"""What the drift job said, held against what the demo's shift truly moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from streaming.local.outcomes import read_topic
from streaming.local.traffic import MOVED
from streaming.metrics.records import Alert, Drift, decode
from streaming.settings import Settings


@dataclass(frozen=True)
class DriftVerdict:
    """Names alerted in windows that ended before the shift (features, and "score"), and features alerted after it.

    windows_before: windows that the drift job judged and that ended before the shift.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    windows_before: int

    @property
    def holds(self) -> bool:
        """A window before the shift, no false alarm in it, and exactly the features that moved."""
        return not self.complaint

    @property
    def complaint(self) -> str:
        """What is wrong, in one line; empty if nothing."""
        wrong = [
            ("alerted before the shift", self.before),
            ("moved, not alerted", sorted(set(MOVED) - set(self.after))),
            ("alerted, not moved", sorted(set(self.after) - set(MOVED))),
        ]
        told = [f"{what}: {', '.join(names)}" for what, names in wrong if names]
        # Without a window nothing could have been alerted, so that its absence would say nothing.
        return "; ".join(told if self.windows_before else ["no window closed before the shift", *told])


def judge(records: Iterable[Alert | Drift], shift_at: datetime) -> DriftVerdict:
    """Sort raised alerts by whether their window ended before the shift, and count the windows that did."""
    windows: set[str] = set()
    early: set[str] = set()
    late: set[str] = set()
    for record in records:
        before = datetime.fromisoformat(record.window_end) <= shift_at
        if isinstance(record, Drift):
            windows |= {record.id} if before else set()
        elif record.state == "raised" and (record.kind == "input_drift" or (before and record.kind == "output_drift")):
            (early if before else late).add(record.feature)
    return DriftVerdict(tuple(sorted(early)), tuple(sorted(late)), len(windows))


def read_verdicts(settings: Settings) -> list[Alert | Drift]:
    """Every alert on the alerts topic and every verdict on a window on the metrics topic. Raises Unavailable."""
    topics = [settings.topics.of("metrics"), settings.topics.of("alerts")]
    records = (decode(message.value() or b"") for topic in topics for message in read_topic(settings, topic))
    return [record for record in records if isinstance(record, Alert | Drift)]
