"""Right and wrong decisions by class, and the shares made of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from streaming.truth.arrays import bools, weights_of


class Confusion(Struct, frozen=True):
    """Weights of rows by what was decided and what came."""

    true_positives: float
    false_positives: float
    false_negatives: float
    true_negatives: float

    @property
    def precision(self) -> float | None:
        """Share of those chosen that were positive; None if none was chosen."""
        return _share(self.true_positives, self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the positives that were chosen (true positive rate); None without positives."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def false_positive_rate(self) -> float | None:
        """Share of the negatives that were chosen; None without negatives."""
        return _share(self.false_positives, self.true_negatives)

    @property
    def accuracy(self) -> float | None:
        """Share decided rightly; None without rows."""
        return _share(self.true_positives + self.true_negatives, self.false_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nobody was positive and nobody chosen.

        >>> Confusion(2, 1, 1, 6).f1
        0.6666666666666666
        """
        return _share(2 * self.true_positives, self.false_positives + self.false_negatives)


def confusion(labels: Any, chosen: Any, weights: Any = None) -> Confusion:
    """Count decisions. labels, chosen: 0 or 1, shape (rows,)."""
    truth = bools(labels)
    decided, weight = bools(chosen, len(truth), name="decisions"), weights_of(weights, len(truth))
    cells = (truth & decided, ~truth & decided, truth & ~decided, ~truth & ~decided)
    return Confusion(*(float(weight[cell].sum()) for cell in cells))


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest > 0 else None
