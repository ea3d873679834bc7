"""What a label does to the one that a prediction has already."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Verdict = Literal["matched", "corrected", "completed", "confirmed", "repeated", "contradictory", "outdated"]
REPLACES: frozenset[Verdict] = frozenset({"matched", "corrected", "completed", "confirmed"})
"""Verdicts after which the label is the prediction's current one"""


class Standing(Struct, frozen=True):
    """The label that a prediction has, and one that comes: when it was observed, whether it is final, and its value."""

    observed_at: datetime
    partial: bool
    value: float | str


def judge(current: Standing | None, coming: Standing) -> Verdict:
    """What the coming label is to the current one. A final label always stands above a partial one; else the one observed later does.

    >>> from datetime import timedelta
    >>> one = Standing(datetime(2026, 1, 2), False, 1.0)
    >>> later = one.observed_at + timedelta(hours=1)
    >>> judge(None, one), judge(one, Standing(later, False, 0.0)), judge(one, Standing(one.observed_at, False, 0.0))
    ('matched', 'corrected', 'contradictory')
    """
    if current is None:
        return "matched"
    if current.partial != coming.partial:
        return "completed" if current.partial else "outdated"
    same = current.value == coming.value
    if coming.observed_at == current.observed_at:
        return "repeated" if same else "contradictory"
    if coming.observed_at < current.observed_at:
        return "outdated"
    return "confirmed" if same else "corrected"
