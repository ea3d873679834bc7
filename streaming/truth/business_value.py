"""What decisions were worth, by a declared value of each cell of the confusion."""

from __future__ import annotations

from msgspec import Struct

from streaming.truth.confusion import Confusion


class Values(Struct, frozen=True):
    """Worth of one decision, in the currency of whoever declares it; what is lost is negative."""

    true_positive: float = 0.0
    false_positive: float = 0.0
    false_negative: float = 0.0
    true_negative: float = 0.0


def business_value(of: Confusion, values: Values) -> float:
    """Worth of all decisions.

    >>> business_value(Confusion(10, 5, 2, 100), Values(true_positive=80, false_positive=-10, false_negative=-200))
    350.0
    """
    cells = ((of.true_positives, values.true_positive), (of.false_positives, values.false_positive))
    missed = ((of.false_negatives, values.false_negative), (of.true_negatives, values.true_negative))
    return float(sum(count * worth for count, worth in (*cells, *missed)))
