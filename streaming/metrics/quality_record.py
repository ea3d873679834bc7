"""How good predictions were, as the label join tells it on the metrics topic: the record `quality` (schemas/quality/v1.json)."""

from __future__ import annotations

from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """A figure and its interval at 95 %; low and high are null where none can be told."""

    value: float
    low: float | None
    high: float | None
    interval: Literal["delong", "wilson", "normal", "bootstrap", "newcombe", "katz", "none"]


class CalibrationBin(msgspec.Struct, frozen=True):
    """Rows whose score lies in (low, high], the first bin's low included."""

    low: float
    high: float
    rows: int
    mean_score: float
    observed: float
    observed_low: float
    observed_high: float


class QualityGroup(msgspec.Struct, frozen=True):
    """Figures of one model version: of one variant, or of all that served (variant "*")."""

    model: str
    model_version: str
    variant: str
    role: str
    """ "*" where variants of several roles are taken together"""
    population: Literal["all", "held_out", "not_acted"]
    """held_out: variants whose customers nobody acts upon; not_acted: labels that say so, which is a choice and not a draw"""
    predictions: int
    labels: int
    """rows with a final label"""
    partial: int
    contradicted: int
    coverage: float
    """labels / predictions"""
    maturity: float | None
    """share of the labels expected by now that came; null before any is"""
    figures: dict[str, Figure]
    absent: dict[str, str]
    """figure → why there is none"""
    calibration: list[CalibrationBin]
    confusion: dict[str, dict[str, float]]
    """what came → what was decided → weight of rows"""


class FairnessGroup(msgspec.Struct, frozen=True):
    """One group of customers beside the reference, the largest group."""

    column: str
    group: str
    reference: bool
    model: str
    model_version: str
    predictions: int
    labels: int
    judged: bool
    """whether it has rows enough"""
    rates: dict[str, Figure]
    """selection_rate (of all predictions), true_positive_rate, false_positive_rate, calibration_gap (observed - mean score)"""
    differences: dict[str, Figure]
    """this group's rate less the reference's"""
    ratios: dict[str, Figure]
    beyond: dict[str, float]
    """measure → the declared bound that is passed"""


class Quality(msgspec.Struct, frozen=True, tag="quality", tag_field="record"):
    """Figures of one window of event time, whole or a slice. `id` is deployment / window / slice / revision: the highest revision holds."""

    id: str
    at: str
    deployment: str
    window_start: str
    window_end: str
    slice: str
    """empty: all; else field=value"""
    revision: int
    task: Literal["binary", "regression", "multiclass"]
    threshold: float
    groups: list[QualityGroup]
    fairness: list[FairnessGroup]
    """in the record of the whole window only"""
    version: int = 1
