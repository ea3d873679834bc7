"""Figures of a decision between two classes."""

from __future__ import annotations

from functools import partial

import numpy as np

from streaming.metrics.quality_record import CalibrationBin
from streaming.truth import brier, log_loss
from streaming.truth.arrays import Bools, Floats
from streaming.truth.auroc import auroc_interval
from streaming.truth.auroc import of_curve as area_of
from streaming.truth.average_precision import of_curve as average_precision_of
from streaming.truth.business_value import Values, business_value
from streaming.truth.calibration import Bin, calibration, calibration_error
from streaming.truth.confusion import Confusion, confusion
from streaming.truth.curve import curve
from streaming.truth.declared import Truth
from streaming.truth.figures import Figures
from streaming.truth.interval import bootstrap, effective, mean_interval, wilson
from streaming.truth.mean import mean
from streaming.truth.rows import Rows
from streaming.truth.top_k import top_k

ONE_CLASS = "only one class among the labels"
NOT_CHANCES = "scores do not lie within 0 and 1"


def figures(rows: Rows, truth: Truth) -> Figures:
    """Figures of rows with y 0 or 1, sorted by score. Those of probabilities are absent where scores are none."""
    found, probable = Figures(), bool((rows.score >= 0).all() and (rows.score <= 1).all())
    ends = bootstrap(partial(_drawn, rows, truth, probable), rows.weight)
    values = _drawn(rows, truth, probable, rows.weight)
    delong = None if rows.weighted else auroc_interval(rows.y, rows.score)
    found.add("auroc", values.pop("auroc"), delong or ends.get("auroc"), "delong" if delong else "bootstrap", without=ONE_CLASS)
    for name, value in values.items():
        found.add(name, value, ends.get(name), "bootstrap", without=_reason(name, probable))
    _means(found, rows, probable)
    _shares(found, rows, truth)
    if probable:
        found.calibration = [_told(one) for one in calibration(rows.y, rows.score, rows.weight)]
    return found


def _drawn(rows: Rows, truth: Truth, probable: bool, weight: Floats) -> dict[str, float | None]:
    """Figures that the bootstrap gives an interval, of rows with these weights."""
    of = curve(rows.y, rows.score, weight)
    decided = confusion(rows.y, rows.score >= truth.threshold, weight)
    found = {"auroc": area_of(of), "average_precision": average_precision_of(of), "f1": decided.f1}
    found["calibration_error"] = calibration_error(rows.y, rows.score, weight) if probable else None
    for share in truth.top:
        top = top_k(rows.y, rows.score, share, weight)
        found |= {f"{name}_top_{share:g}": value for name, value in top._asdict().items()}
    if truth.cost is not None:
        found["business_value"] = business_value(decided, Values(**truth.cost.model_dump()))
    return found


def _means(found: Figures, rows: Rows, probable: bool) -> None:
    losses = {"log_loss": log_loss.row_losses, "brier": brier.row_losses}
    for name, loss in losses.items():
        each = loss(rows.y, rows.score) if probable else np.empty(0)
        value, ends = (mean(each, rows.weight), mean_interval(each, rows.weight)) if probable else (None, None)
        found.add(name, value, ends, "normal", without=NOT_CHANCES)
    found.add("mean_score", mean(rows.score, rows.weight), mean_interval(rows.score, rows.weight), "normal")


def _shares(found: Figures, rows: Rows, truth: Truth) -> None:
    positive, chosen = rows.y == 1, rows.score >= truth.threshold
    decided = confusion(rows.y, chosen, rows.weight)
    everyone = np.ones(len(rows.y), dtype=bool)
    base = mean(positive.astype(np.float64), rows.weight)
    shares: dict[str, tuple[float | None, Bools, str]] = {
        "precision": (decided.precision, chosen, "nobody was chosen"),
        "recall": (decided.recall, positive, ONE_CLASS),
        "false_positive_rate": (decided.false_positive_rate, ~positive, ONE_CLASS),
        "accuracy": (decided.accuracy, everyone, ""),
        "base_rate": (base, everyone, ""),
    }
    for name, (value, among, without) in shares.items():
        found.add(name, value, None if value is None else wilson(value, effective(rows.weight[among])), "wilson", without=without)
    found.confusion = _matrix(decided)


def _matrix(of: Confusion) -> dict[str, dict[str, float]]:
    return {"1": {"1": of.true_positives, "0": of.false_negatives}, "0": {"1": of.false_positives, "0": of.true_negatives}}


def _told(one: Bin) -> CalibrationBin:
    return CalibrationBin(one.low, one.high, one.rows, one.mean_score, one.observed, one.observed_low, one.observed_high)


def _reason(name: str, probable: bool) -> str:
    if name == "calibration_error" and not probable:
        return NOT_CHANCES
    return "nobody was positive"
