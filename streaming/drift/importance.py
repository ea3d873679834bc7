"""Which features a model lives on, in service against training: permutation importance on labelled rows."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from streaming.drift.concept import holm
from streaming.metrics.labelled_cells import Array

ALPHA = 0.01
REPEATS = 10
SEED = 0

Scorer = Callable[[pd.DataFrame], Array]


class ImportanceChange(NamedTuple):
    """One feature. then, now: fall of the AUROC when its column is shuffled; p_value of no change, p_holm corrected over features."""

    feature: str
    then: float
    now: float
    p_value: float
    p_holm: float
    moved: bool


class Importance(NamedTuple):
    """Of one feature: mean fall of the AUROC, and its standard error over rows and shuffles."""

    fall: float
    error: float


def importance(
    score: Scorer, frame: pd.DataFrame, positive: np.ndarray, *, repeats: int = REPEATS, seed: int = SEED
) -> dict[str, Importance]:
    """Permutation importance by feature (Breiman 2001, Machine Learning 45(1)).

    score: rows to scores, float64, shape (rows,). positive: bool, shape (rows,), of both classes. The standard error is that of
    a paired difference of AUROCs (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44(3)) of the mean over the shuffles.
    """
    rng = np.random.default_rng(seed)
    whole = _placements(score(frame), positive)
    found = {}
    for name in frame.columns:
        shuffled = [_shuffled(score, frame, name, positive, rng) for _ in range(repeats)]
        apart = [np.mean(before - np.array(after), axis=0) for before, after in zip(whole, zip(*shuffled, strict=True), strict=True)]
        error = float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in apart)))
        found[str(name)] = Importance(float(apart[0].mean()), error)
    return found


def importance_changes(then: dict[str, Importance], now: dict[str, Importance], *, alpha: float = ALPHA) -> list[ImportanceChange]:
    """Every feature's change, the smallest p-value first: a normal test of the difference, Holm over the features."""
    names = [name for name in then if name in now]
    p_values = [_p_value(then[name], now[name]) for name in names]
    rows = zip(names, p_values, holm(p_values), strict=True)
    found = [ImportanceChange(name, then[name].fall, now[name].fall, p, corrected, corrected < alpha) for name, p, corrected in rows]
    return sorted(found, key=lambda one: (one.p_value, -abs(one.now - one.then), one.feature))


def _p_value(then: Importance, now: Importance) -> float:
    spread = float(np.hypot(then.error, now.error))
    return 2 * (1 - NormalDist().cdf(abs(now.fall - then.fall) / spread)) if spread > 0 else 1.0


def _shuffled(score: Scorer, frame: pd.DataFrame, name: str, positive: np.ndarray, rng: np.random.Generator) -> tuple[Array, Array]:
    column = frame[name].iloc[rng.permutation(len(frame))].set_axis(frame.index)
    return _placements(score(frame.assign(**{name: column})), positive)


def _placements(scores: Array, positive: np.ndarray) -> tuple[Array, Array]:
    """Of each positive row the share of negatives below it, of each negative the share of positives above it; ties count half."""
    hits, rest = scores[positive], scores[~positive]
    return _share_below(hits, rest), 1 - _share_below(rest, hits)


def _share_below(values: Array, others: Array) -> Array:
    ordered = np.sort(others)
    found: Array = (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / (2 * len(others))
    return found
