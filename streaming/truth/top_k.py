"""The riskiest share of customers: how many of them were, and how much better than chance that is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streaming.truth.curve import curve


class TopK(NamedTuple):
    """What the highest scores hold; precision and lift None where there is nobody to count."""

    precision: float | None
    recall: float | None
    lift: float | None


def top_k(labels: Any, scores: Any, share: float, weights: Any = None) -> TopK:
    """Precision, recall and lift of the `share` (above 0, at most 1) of weight with the highest scores.

    Rows with the score at the border are taken in part, each the same part: the expectation over every order of ties, so
    that the figure depends on scores alone.

    >>> top_k([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.5)
    TopK(precision=0.5, recall=0.5, lift=1.0)
    """
    of = curve(labels, scores, weights)
    total = float(of.positives[-1] + of.negatives[-1]) if len(of.scores) else 0.0
    if total <= 0:
        return TopK(None, None, None)
    taken = share * total
    found = float(np.interp(taken, np.append(0.0, of.positives + of.negatives), np.append(0.0, of.positives)))
    positives = float(of.positives[-1])
    precision = found / taken
    return TopK(precision, *((found / positives, precision * total / positives) if positives > 0 else (None, None)))
