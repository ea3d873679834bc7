"""When a window closes, and what counts as drift."""

from __future__ import annotations

from msgspec import Struct

from streaming.drift.measures import THRESHOLDS, Measure

SEASON_WINDOWS = 24


class Limits(Struct, frozen=True):
    """The drift job's settings, as `[drift]` of the configuration describes them."""

    window_s: float
    window_events: int
    psi_threshold: float
    rejected_share: float = 0.05
    alert_on: tuple[Measure, ...] = ("psi",)
    thresholds: dict[Measure, float] = {}
    false_share: float = 0.01
    min_events: int = 30
    season_windows: int = SEASON_WINDOWS

    def threshold(self, measure: Measure) -> float:
        """The size from which a measure is a shift, where the schema names none for the feature."""
        own = self.psi_threshold if measure == "psi" else THRESHOLDS[measure]
        return self.thresholds.get(measure, own)
