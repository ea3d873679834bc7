"""How many of each class lie at or above each distinct score: what ROC, precision and recall are made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streaming.truth.arrays import Floats, bools, floats, weights_of


class Curve(NamedTuple):
    """By distinct score, highest first: summed weight of positives and negatives that score so much or more."""

    scores: Floats
    positives: Floats
    negatives: Floats

    @property
    def has_both(self) -> bool:
        """Whether there is weight in both classes."""
        return bool(len(self.scores) and self.positives[-1] > 0 and self.negatives[-1] > 0)


def curve(labels: Any, scores: Any, weights: Any = None) -> Curve:
    """The curve of binary labels (0, 1) and scores; rows with the same score are one point, so that ties have no order."""
    truth = bools(labels)
    values, weight = floats(scores, len(truth)), weights_of(weights, len(truth))
    order = np.argsort(-values, kind="stable")
    values, truth, weight = values[order], truth[order], weight[order]
    last = np.append(np.nonzero(np.diff(values))[0], len(values) - 1) if len(values) else np.empty(0, dtype=np.intp)
    return Curve(values[last], np.cumsum(weight * truth)[last], np.cumsum(weight * ~truth)[last])
