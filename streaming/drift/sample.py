"""What the measures compare: one feature's counts over frozen bins, and the quantiles of its numbers where they are known."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import msgspec

from streaming.metrics.kll import Points, points
from streaming.metrics.sketches import Histogram


class Found(NamedTuple):
    """A measure's figure. value: its size, 0 where nothing moved; p_value: of no difference at all, None where it has no test.

    error: by how much the value may be off because sketches keep not every number; 0.0 where it is exact.
    """

    value: float
    p_value: float | None = None
    error: float = 0.0


class Sample(msgspec.Struct, frozen=True, dict=True):
    """One feature (or the score) in one window or in training. quantiles: a KLL sketch of its numbers, no bytes if there is none."""

    histogram: Histogram
    quantiles: bytes = b""

    @cached_property
    def points(self) -> Points | None:
        """The numbers of the sketch; None without one."""
        return points(self.quantiles) if self.quantiles else None

    @property
    def bins(self) -> list[int]:
        """Counts per bin, shape (bins,); missing and unseen values are not in them."""
        return self.histogram.counts
