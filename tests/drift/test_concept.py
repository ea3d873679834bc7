"""Concept drift: found where the relation moved, silent where only the mix or the base rate did; equal to scikit-learn's fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression

from streaming.drift.concept import concept_drift, holm


def drawn(rows: int, seed: int, *, effect: float = 1.0, base: float = -1.0, mix: float = 0.5) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows whose outcome depends on `plan` (by `effect`) and on `age`; `mix`: share of plan b."""
    rng = np.random.default_rng(seed)
    plan = np.where(rng.random(rows) < mix, "b", "a").astype(object)
    age = rng.normal(40, 10, rows)
    odds = base + effect * (plan == "b") + 0.05 * (age - 40)
    return pd.DataFrame({"plan": plan, "age": age, "noise": rng.normal(size=rows)}), rng.random(rows) < 1 / (1 + np.exp(-odds))


def test_a_relation_that_turned_is_found_and_named() -> None:
    found = concept_drift(*drawn(3000, 0), *drawn(2000, 1, effect=-1.0))
    assert found[0].feature == "plan"
    assert [one.feature for one in found if one.drifted] == ["plan"]
    assert found[0].change > 0.5


@pytest.mark.parametrize("moved", [{"base": 0.5}, {"mix": 0.9}], ids=["base rate", "mix"])
def test_base_rate_and_mix_are_no_concept_drift(moved: dict[str, float]) -> None:
    assert not any(one.drifted for one in concept_drift(*drawn(4000, 2), *drawn(4000, 3, **moved)))


@pytest.mark.slow
def test_without_drift_p_values_are_uniform() -> None:
    p_values = [one.p_value for seed in range(60) for one in concept_drift(*drawn(800, seed), *drawn(400, 900 + seed))]
    assert 0.015 < np.mean(np.array(p_values) < 0.05) < 0.10
    assert 0.40 < np.mean(np.array(p_values) < 0.5) < 0.60


def test_the_p_value_is_that_of_scikit_learns_logistic_regression() -> None:
    (before, then), (now, after) = drawn(1500, 4), drawn(900, 5, effect=0.4)
    plan = np.concatenate([before["plan"] == "b", now["plan"] == "b"]).astype(float)
    period = np.repeat([0.0, 1.0], [len(before), len(now)])
    outcome = np.concatenate([then, after])

    def log_likelihood(*columns: np.ndarray) -> float:
        matrix = np.column_stack(columns)
        chance = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(matrix, outcome).predict_proba(matrix)[:, 1]
        return float(np.log(np.where(outcome, chance, 1 - chance)).sum())

    expected = chi2.sf(2 * (log_likelihood(plan, period, plan * period) - log_likelihood(plan, period)), 1)
    found = next(one for one in concept_drift(before, then, now, after) if one.feature == "plan")
    assert found.p_value == pytest.approx(expected, rel=1e-4)


def test_missing_and_rare_values_are_levels() -> None:
    frame, outcome = drawn(600, 6)
    frame.loc[:99, "age"] = np.nan
    frame.loc[0, "plan"] = "once"
    frame.loc[100:150, "plan"] = None
    flipped = np.where(frame["age"].isna(), False, outcome)
    found = {one.feature: one for one in concept_drift(frame, outcome, frame, flipped)}
    assert found["age"].level == "(missing)"
    assert found["age"].drifted
    assert not found["noise"].drifted


def test_a_constant_feature_or_one_outcome_tells_nothing() -> None:
    frame = pd.DataFrame({"same": np.ones(100)})
    assert concept_drift(frame, np.arange(100) % 2 == 0, frame, np.arange(100) % 3 == 0)[0].p_value == 1.0
    assert concept_drift(frame, np.zeros(100, bool), frame, np.zeros(100, bool))[0].p_value == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_between_the_p_value_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for before, after in zip(p_values, corrected, strict=True):
        assert min(before, 1) <= after <= min(1, before * len(p_values)) + 1e-12 or after == max(corrected)
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
