"""Figures of a choice between several classes."""

from __future__ import annotations

from functools import partial

import numpy as np

from streaming.truth import multiclass
from streaming.truth.arrays import Floats
from streaming.truth.declared import Truth
from streaming.truth.figures import Figures
from streaming.truth.interval import bootstrap, effective, wilson
from streaming.truth.rows import Rows

_MISSING = "a class is missing among the labels"


def figures(rows: Rows, truth: Truth) -> Figures:  # noqa: ARG001 (the signature of every task)
    """Figures of rows with y as names of classes and a probability for each class."""
    found = Figures()
    told = np.empty((len(rows.y), 0)) if rows.probabilities is None else rows.probabilities
    ends = bootstrap(partial(_drawn, rows, told), rows.weight)
    for name, value in _drawn(rows, told, rows.weight).items():
        found.add(name, value, ends.get(name), "bootstrap", without=_MISSING)
    chosen = multiclass.decided(told, rows.classes)
    right = multiclass.accuracy(rows.y, chosen, rows.weight)
    found.add("accuracy", right, None if right is None else wilson(right, effective(rows.weight)), "wilson")
    for name, of in multiclass.confusions(rows.y, chosen, rows.classes, rows.weight).items():
        for share, value, among in (("precision", of.precision, chosen == name), ("recall", of.recall, rows.y == name)):
            told_ends = None if value is None else wilson(value, effective(rows.weight[among]))
            found.add(f"{share}[{name}]", value, told_ends, "wilson", without="nobody was put in it" if share == "precision" else _MISSING)
    found.confusion = multiclass.matrix(rows.y, chosen, rows.classes, rows.weight)
    return found


def _drawn(rows: Rows, told: Floats, weight: Floats) -> dict[str, float | None]:
    of = multiclass.confusions(rows.y, multiclass.decided(told, rows.classes), rows.classes, weight)
    areas = multiclass.class_auroc(rows.y, told, rows.classes, weight)
    return {
        "auroc_macro": multiclass.auroc(rows.y, told, rows.classes, weight),
        "auroc_weighted": multiclass.auroc(rows.y, told, rows.classes, weight, average="weighted"),
        "log_loss": multiclass.log_loss(rows.y, told, rows.classes, weight),
        "f1_macro": multiclass.f1(of),
        "f1_weighted": multiclass.f1(of, average="weighted"),
        **{f"auroc[{name}]": area for name, area in areas.items()},
    }
