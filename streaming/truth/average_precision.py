"""Average precision: the area under the steps of the precision-recall curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from streaming.truth.curve import Curve, curve


def average_precision(labels: Any, scores: Any, weights: Any = None) -> float | None:
    """Precision at each distinct score, weighted by the recall gained there; None without a positive.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return of_curve(curve(labels, scores, weights))


def of_curve(of: Curve) -> float | None:
    """The average precision of a curve that is there already."""
    if not len(of.scores) or of.positives[-1] <= 0:
        return None
    chosen = of.positives + of.negatives
    precision = np.divide(of.positives, chosen, out=np.zeros_like(chosen), where=chosen > 0)
    return float(np.sum(np.diff(of.positives, prepend=0.0) * precision) / of.positives[-1])
