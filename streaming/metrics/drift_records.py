"""The drift job's verdicts on the metrics topic. Their JSON Schema lies in schemas/drift/v<N>.json."""

from __future__ import annotations

from typing import Literal

import msgspec

from streaming.metrics.sketches import Histogram

Against = Literal["training", "previous", "season"]
"""the model's training rows; the window before; the window a season ago"""


class Measured(msgspec.Struct, frozen=True):
    """One measure of one feature (or the score) in one window, against one other."""

    value: float
    threshold: float
    p_value: float | None
    """of no difference, after Benjamini and Hochberg over all features of the window; null for what has no test"""
    error: float
    """by how much the value may be off (99 %) because sketches keep not every number; 0 where it is exact"""
    drifted: bool
    """above the threshold, and sure enough"""


class FeatureDrift(msgspec.Struct, frozen=True):
    """One feature (or the score) in one window."""

    measure: str
    value: float
    threshold: float
    drifted: bool
    since: str | None
    """start of the first window of the present run of drifted windows; one window within the threshold does not end a run"""
    current: Histogram
    measures: dict[Against, dict[str, Measured]] = {}
    """against what, by measure; `measure` and `value` above are of the one that decided, against training"""
    changed_at: str | None = None
    """start of the first window after the change, if the feature is drifted: the likeliest of those remembered"""
    importance: float | None = None
    impact: float = 0.0
    """value over threshold, times the importance in shares of the average feature's: what leads a page"""


class Drift(msgspec.Struct, frozen=True, tag="drift", tag_field="record"):
    """The verdict of the drift job on one closed window of one model version; on the metrics topic."""

    id: str
    at: str
    deployment: str
    model: str
    model_version: str
    window_start: str
    window_end: str
    events: int
    features: dict[str, FeatureDrift]
    score: FeatureDrift
    slice: str = ""
    """the "column=value" that this is about; empty: all events"""
    leading: list[str] = []
    """drifted features, the one with the largest impact first"""
    version: int = 2
