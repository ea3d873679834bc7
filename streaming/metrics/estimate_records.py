"""Records of estimated performance: the labelled reference that an estimate needs, and the estimate, later held to the truth."""

from __future__ import annotations

from typing import Literal

import msgspec

from streaming.metrics.labelled_cells import LabelledCells


class Calibration(msgspec.Struct, frozen=True, tag="calibration", tag_field="record"):
    """The labelled reference of one exact model version, by cell of the score; published beside its reference."""

    id: str
    at: str
    deployment: str
    model: str
    model_version: str
    model_sha256: str
    cells: LabelledCells
    version: int = 1


class Figure(msgspec.Struct, frozen=True):
    """An estimated figure and its band: where the figure measured on this window's labels lies with probability `level`."""

    value: float
    low: float
    high: float


class Measured(msgspec.Struct, frozen=True):
    """What the labels say of an estimated figure. error: estimated minus measured; within: the band holds the measured one."""

    value: float
    error: float
    within: bool


class Estimate(msgspec.Struct, frozen=True, tag="estimate", tag_field="record"):
    """Estimated figures of one window of one model version; published again, under another id, when labels say more."""

    id: str
    at: str
    deployment: str
    model: str
    model_version: str
    window_start: str
    window_end: str
    events: int
    method: Literal["confidence", "loss_model"]
    source: Literal["scores", "histogram", "sketch", "rows"]
    """what was at hand of the window: exact scores, their histogram over the frozen bins, their sketch, or whole rows"""
    assumption: str
    """what must hold for the estimate to be right"""
    level: float
    """probability of the bands"""
    reference_rows: int
    figures: dict[str, Figure]
    labelled: int = 0
    """rows of the window whose labels are in `measured`"""
    measured: dict[str, Measured] = {}
    """by figure; empty as long as there are no labels"""
    version: int = 1
