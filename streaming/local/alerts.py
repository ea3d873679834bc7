"""What the drift job said, held against what the demo's shift truly moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from streaming.config import Settings
from streaming.local.outcomes import read_topic
from streaming.local.traffic import MOVED
from streaming.metrics.records import Alert, decode


@dataclass(frozen=True)
class DriftVerdict:
    """Names alerted in windows that ended before the shift (features, and "score"), and features alerted after it."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """No false alarm, and exactly the features that moved."""
        return not self.before and self.after == MOVED

    @property
    def complaint(self) -> str:
        """What is wrong, in one line; empty if nothing."""
        wrong = [
            ("alerted before the shift", self.before),
            ("moved, not alerted", sorted(set(MOVED) - set(self.after))),
            ("alerted, not moved", sorted(set(self.after) - set(MOVED))),
        ]
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in wrong if names)


def judge(alerts: Iterable[Alert], shift_at: datetime) -> DriftVerdict:
    """Sort raised alerts by whether their window ended before the shift."""
    raised = [alert for alert in alerts if alert.state == "raised"]
    early = {a.feature for a in raised if datetime.fromisoformat(a.window_end) <= shift_at}
    late = {a.feature for a in raised if datetime.fromisoformat(a.window_end) > shift_at and a.kind == "input_drift"}
    return DriftVerdict(tuple(sorted(early)), tuple(sorted(late)))


def read_alerts(settings: Settings) -> list[Alert]:
    """Every alert on the alerts topic. Raises Unavailable."""
    records = (decode(message.value() or b"") for message in read_topic(settings, settings.topics.of("alerts")))
    return [record for record in records if isinstance(record, Alert)]
