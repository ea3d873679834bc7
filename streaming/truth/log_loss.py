"""Log loss of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from streaming.truth.arrays import Floats, bools, floats, weights_of
from streaming.truth.mean import mean

SMALLEST = float(np.finfo(np.float64).eps)
"""A probability is taken to lie this far within 0 and 1, as scikit-learn has it, so that one sure mistake is not infinite."""


def row_losses(labels: Any, scores: Any) -> Floats:
    """Nats lost on each row, shape (rows,). labels: 0 or 1; scores: probabilities of 1."""
    truth = bools(labels)
    told = np.clip(floats(scores, len(truth)), SMALLEST, 1 - SMALLEST)
    return np.where(truth, -np.log(told), -np.log1p(-told))


def log_loss(labels: Any, scores: Any, weights: Any = None) -> float | None:
    """Mean nats lost, 0 is perfect; None without rows.

    >>> round(log_loss([1, 0], [0.9, 0.1]), 6)
    0.105361
    """
    losses = row_losses(labels, scores)
    return mean(losses, weights_of(weights, len(losses)))
