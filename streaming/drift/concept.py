"""Concept drift: the relation of a feature to the outcome moved. Needs labels of both periods.

For each feature a logistic model of the outcome, in which the feature's effect may differ between reference and period, is held
against one in which it may not (likelihood ratio; Agresti 2013, Categorical Data Analysis, 3rd ed., 5.2.2). A change of the
base rate alone is no interaction. Numbers enter as reference quartiles and missing ones as a level of their own, so that a relation of any
shape is seen; texts by value. The levels are cells of a table, so that the fit is by counts and costs nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaincc

from streaming.metrics.labelled_cells import Array

ALPHA = 0.01
GROUPS = 4
FEWEST = 20  # rows of a level in each period: rarer ones are pooled
REST = "(rest)"


class ConceptDrift(NamedTuple):
    """One feature. change: mean absolute change of the levels' log-odds against the outcome's own, weighted by their share; 0: none.

    level: where the change is largest, and its shares of positive outcomes then and now. p_value by likelihood ratio,
    p_holm after Holm's correction over the features.
    """

    feature: str
    change: float
    level: str
    then: float
    now: float
    p_value: float
    p_holm: float
    drifted: bool


class _Table(NamedTuple):
    """Rows and positives by level and period, both of shape (levels, 2)."""

    names: list[str]
    rows: Array
    positives: Array


def concept_drift(
    reference: pd.DataFrame, positive: np.ndarray, period: pd.DataFrame, positive_now: np.ndarray, *, alpha: float = ALPHA
) -> list[ConceptDrift]:
    """Every feature's verdict, the smallest p-value first.

    reference, period: the same columns, numbers (missing NaN) or texts (missing None); positive, positive_now: bool, shape (rows,).
    A drifted feature names where to look, not the cause: what goes with it moves too.
    """
    names = [str(name) for name in reference.columns]
    tables = [_table(reference[name], positive, period[name], positive_now) for name in names]
    p_values = [_likelihood_ratio(table) for table in tables]
    corrected = holm(p_values)
    found = [_verdict(*each, alpha) for each in zip(names, tables, p_values, corrected, strict=True)]
    return sorted(found, key=lambda one: (one.p_value, one.feature))


def holm(p_values: list[float]) -> list[float]:
    """Holm's corrected p-values, in the order given (Holm 1979, Scandinavian Journal of Statistics 6(2)).

    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]


def _verdict(name: str, table: _Table, p_value: float, p_holm: float, alpha: float) -> ConceptDrift:
    odds = _log_odds(table.positives, table.rows)
    all_odds = _log_odds(table.positives.sum(axis=0), table.rows.sum(axis=0))
    moved = np.abs((odds[:, 1] - odds[:, 0]) - (all_odds[1] - all_odds[0]))
    shares = table.rows.sum(axis=1) / table.rows.sum()
    worst = int(np.argmax(moved * np.sqrt(shares)))
    then, now = (table.positives[worst] / np.maximum(table.rows[worst], 1)).tolist()
    return ConceptDrift(name, float((moved * shares).sum()), table.names[worst], then, now, p_value, p_holm, p_holm < alpha)


def _log_odds(positives: Array, rows: Array) -> Array:
    """With half a row more of either outcome, so that a level with one outcome only stays finite (Haldane 1956)."""
    found: Array = np.log((positives + 0.5) / (rows - positives + 0.5))
    return found


def _table(then: pd.Series, positive: np.ndarray, now: pd.Series, positive_now: np.ndarray) -> _Table:
    """Counts over the levels of a feature; rare levels are one."""
    levels = _levels(then, now)
    frame = pd.DataFrame(
        {
            "level": np.concatenate(levels),
            "period": np.repeat([0, 1], [len(then), len(now)]),
            "positive": np.concatenate([positive, positive_now]).astype(np.float64),
        }
    )
    counted = frame.pivot_table(index="level", columns="period", values="positive", aggfunc=["size", "sum"], fill_value=0)
    parts = (pd.DataFrame(counted[name]).reindex(columns=[0, 1], fill_value=0) for name in ("size", "sum"))
    rows, hits = (part.to_numpy(dtype=np.float64) for part in parts)
    rare = rows.min(axis=1) < FEWEST
    names = [str(name) for name in counted.index[~rare]]
    if not rare.any():
        return _Table(names, rows, hits)
    pooled = (np.vstack([column[~rare], column[rare].sum(axis=0)]) for column in (rows, hits))
    return _Table([*names, REST], *pooled)


def _levels(then: pd.Series, now: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Levels as texts of both periods: quartiles of the reference for a number, the value otherwise; "(missing)" of its own."""
    if not pd.api.types.is_numeric_dtype(then):
        return tuple(part.fillna("(missing)").astype(str).to_numpy(dtype=object) for part in (then, now))  # type: ignore[return-value]
    values = then.to_numpy(dtype=np.float64, na_value=np.nan)
    present = values[~np.isnan(values)]
    distinct = np.unique(present)
    edges = distinct[:-1] if len(distinct) <= GROUPS else np.unique(np.quantile(present, np.arange(1, GROUPS) / GROUPS))
    names = np.array([*(f"≤ {edge:.6g}" for edge in edges), f"> {edges[-1]:.6g}" if len(edges) else "any", "(missing)"], dtype=object)

    def named(part: pd.Series) -> np.ndarray:
        numbers = part.to_numpy(dtype=np.float64, na_value=np.nan)
        places = np.where(np.isnan(numbers), len(names) - 1, np.searchsorted(edges, numbers, side="left"))
        return names[places]

    return named(then), named(now)


def _likelihood_ratio(table: _Table) -> float:
    """P-value of no interaction: outcome ~ level + period against outcome ~ level × period."""
    levels = int((table.rows.min(axis=1) > 0).sum())
    if levels < 2 or not 0 < table.positives.sum() < table.rows.sum():
        return 1.0
    expected = _additive(table)
    statistic = 2 * float((_times_log(table.positives, expected) + _times_log(table.rows - table.positives, table.rows - expected)).sum())
    return _chi_squared_tail(max(statistic, 0.0), levels - 1)


def _additive(table: _Table) -> Array:
    """Positives that outcome ~ level + period expects: Newton's method, level by level within steps of the period's effect."""
    effect = 0.0
    for _ in range(50):
        intercepts = _intercepts(table, effect)
        chance = 1 / (1 + np.exp(-(intercepts[:, None] + np.array([0.0, effect]))))
        weight = table.rows * chance * (1 - chance)
        # The profile's information: what the period tells beyond the levels.
        information = float((weight[:, 0] * weight[:, 1] / np.maximum(weight.sum(axis=1), 1e-300)).sum())
        step = float((table.positives - table.rows * chance)[:, 1].sum()) / max(information, 1e-12)
        effect += max(-2.0, min(2.0, step))
        if abs(step) < 1e-10:
            break
    found: Array = table.rows * chance
    return found


def _intercepts(table: _Table, effect: float) -> Array:
    """The level's log-odds that give its positives, for a period's effect: a bisection of all levels at once."""
    shift = np.array([0.0, effect])
    low, high = np.full(len(table.rows), -60.0), np.full(len(table.rows), 60.0)
    for _ in range(70):
        middle = (low + high) / 2
        too_many = (table.rows / (1 + np.exp(-(middle[:, None] + shift)))).sum(axis=1) > table.positives.sum(axis=1)
        low, high = np.where(too_many, low, middle), np.where(too_many, middle, high)
    found: Array = (low + high) / 2
    return found


def _times_log(counts: Array, expected: Array) -> Array:
    return np.where(counts > 0, counts * np.log(np.maximum(counts, 1e-300) / np.maximum(expected, 1e-300)), 0.0)


def _chi_squared_tail(statistic: float, freedom: int) -> float:
    return float(gammaincc(freedom / 2, statistic / 2)) if math.isfinite(statistic) else 0.0
