"""Figures of more than two classes, from a probability for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from streaming.truth import auroc as roc
from streaming.truth.arrays import Floats, weights_of
from streaming.truth.confusion import Confusion, confusion
from streaming.truth.log_loss import SMALLEST
from streaming.truth.mean import mean

Average = Literal["macro", "weighted"]
Classes = NDArray[np.object_]


def decided(scores: Floats, classes: Sequence[str]) -> Classes:
    """The class with the highest probability of each row, the first of equals. scores: shape (rows, classes)."""
    return np.array([classes[place] for place in np.argmax(scores, axis=1)], dtype=object)


def class_auroc(labels: Classes, scores: Floats, classes: Sequence[str], weights: Any = None) -> dict[str, float | None]:
    """Area under the ROC curve of each class against the rest; None for a class that no row, or every row, is of."""
    return {name: roc.auroc(labels == name, scores[:, place], weights) for place, name in enumerate(classes)}


def auroc(labels: Classes, scores: Floats, classes: Sequence[str], weights: Any = None, *, average: Average = "macro") -> float | None:
    """One-against-rest areas, averaged alike or by the classes' weight; None unless every class is among the labels."""
    areas, shares = class_auroc(labels, scores, classes, weights), _weights(labels, classes, weights)
    known = [(area, 1.0 if average == "macro" else shares[name]) for name, area in areas.items() if area is not None]
    return _average(known) if len(known) == len(classes) else None


def log_loss(labels: Classes, scores: Floats, classes: Sequence[str], weights: Any = None) -> float | None:
    """Mean nats lost on the class that came, after each row's probabilities are made to sum to 1; None without rows."""
    place = {name: number for number, name in enumerate(classes)}
    told = np.clip(scores, SMALLEST, 1 - SMALLEST)
    told = told / told.sum(axis=1, keepdims=True)
    came = told[np.arange(len(labels)), [place[name] for name in labels]]
    return mean(-np.log(came), weights_of(weights, len(labels)))


def confusions(labels: Classes, chosen: Classes, classes: Sequence[str], weights: Any = None) -> dict[str, Confusion]:
    """The confusion of each class against the rest."""
    return {name: confusion(labels == name, chosen == name, weights) for name in classes}


def matrix(labels: Classes, chosen: Classes, classes: Sequence[str], weights: Any = None) -> dict[str, dict[str, float]]:
    """Weight of rows by the class that came and the class chosen."""
    weight = weights_of(weights, len(labels))
    return {came: {told: float(weight[(labels == came) & (chosen == told)].sum()) for told in classes} for came in classes}


def f1(of: dict[str, Confusion], *, average: Average = "macro") -> float | None:
    """F1 of the classes, averaged alike or by the labels' weight; a class that nobody is of and nobody was put in is left out."""
    known = [(one.f1, 1.0 if average == "macro" else one.true_positives + one.false_negatives) for one in of.values()]
    return _average([(value, weight) for value, weight in known if value is not None])


def accuracy(labels: Classes, chosen: Classes, weights: Any = None) -> float | None:
    """Share of rows whose class was chosen; None without rows."""
    return mean((labels == chosen).astype(np.float64), weights_of(weights, len(labels)))


def _weights(labels: Classes, classes: Sequence[str], weights: Any) -> dict[str, float]:
    weight = weights_of(weights, len(labels))
    return {name: float(weight[labels == name].sum()) for name in classes}


def _average(known: Sequence[tuple[float, float]]) -> float | None:
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total > 0 else None
