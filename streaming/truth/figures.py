"""All figures of some labelled rows, each with its interval or the reason why there is none."""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec import Struct, field

from streaming.metrics.quality_record import CalibrationBin, Figure
from streaming.truth.interval import Ends

Method = Literal["delong", "wilson", "normal", "bootstrap", "newcombe", "katz", "none"]
NO_ROWS = "no labels"


class Figures(Struct):
    """What is known of some rows."""

    figures: dict[str, Figure] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    calibration: list[CalibrationBin] = field(default_factory=list)
    confusion: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None, ends: Ends | None, method: Method, *, without: str = "") -> None:
        """Note a figure, or why it is absent; one without an interval says `none`."""
        if value is None or not np.isfinite(value):
            self.absent[name] = without or NO_ROWS
            return
        low, high = ends or (None, None)
        self.figures[name] = Figure(float(value), low, high, method if ends else "none")
