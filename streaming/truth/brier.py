"""Brier score of probabilities."""

from __future__ import annotations

from typing import Any

from streaming.truth.arrays import Floats, bools, floats, weights_of
from streaming.truth.mean import mean


def row_losses(labels: Any, scores: Any) -> Floats:
    """Squared distance of each probability from what came, shape (rows,)."""
    truth = bools(labels)
    return (floats(scores, len(truth)) - truth) ** 2


def brier(labels: Any, scores: Any, weights: Any = None) -> float | None:
    """Mean squared distance of the probability of 1 from the label; None without rows.

    >>> round(brier([1, 0], [0.9, 0.3]), 4)
    0.05
    """
    losses = row_losses(labels, scores)
    return mean(losses, weights_of(weights, len(losses)))
