"""Intervals against scipy, and how often they hold the truth that a simulation knows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from telco_scores import churn

from streaming.truth import interval
from streaming.truth.auroc import auroc, auroc_interval
from streaming.truth.interval import bootstrap, difference, effective, mean_interval, ratio, wilson

Y, SCORE, WEIGHT, _ = churn()


@pytest.mark.parametrize(("found", "rows"), [(0, 5), (3, 50), (50, 50), (1234, 9000)])
def test_wilsons_interval_is_scipys(found: int, rows: int) -> None:
    ends = stats.binomtest(found, rows).proportion_ci(method="wilson")
    assert wilson(found / rows, rows) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_no_rows_tell_nothing_of_a_share() -> None:
    assert wilson(0.5, 0) == (0.0, 1.0)


def test_newcombes_interval_is_that_of_the_paper() -> None:
    """Newcombe 1998, table II, method 10, case a: 56/70 and 48/80."""
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_katz_interval_is_scipys_relative_risk() -> None:
    theirs = stats.contingency.relative_risk(30, 100, 20, 110).confidence_interval(0.95)
    assert ratio(0.3, 100, 20 / 110, 110) == pytest.approx((theirs.low, theirs.high))
    assert ratio(0.0, 100, 0.2, 100) is None


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    values = SCORE[:500]
    theirs = stats.norm.interval(0.95, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values, np.ones(500)) == pytest.approx(theirs)
    assert mean_interval(values[:1], np.ones(1)) is None


def test_a_row_that_weighs_as_two_tells_less_than_two() -> None:
    assert effective(np.full(10, 3.0)) == pytest.approx(10)
    assert effective(np.array([9.0, 1.0])) == pytest.approx(100 / 82)
    assert effective(np.zeros(3)) == 0


def test_the_bootstrap_is_the_same_each_time_and_near_delong() -> None:
    def figure(weight):
        return {"auroc": auroc(Y, SCORE, weight)}

    first, again = (bootstrap(figure, np.ones(len(Y))) for _ in range(2))
    assert first == again
    assert first["auroc"] == pytest.approx(auroc_interval(Y, SCORE), abs=0.005)


def test_the_bootstrap_says_nothing_of_what_is_mostly_absent() -> None:
    assert bootstrap(lambda weight: {"never": None, "always": 1.0}, np.ones(5)) == {"always": (1.0, 1.0)}
    assert bootstrap(lambda weight: {"always": 1.0}, np.ones(1)) == {}


@pytest.mark.slow
def test_delongs_interval_holds_the_true_area_nineteen_times_in_twenty() -> None:
    """Normal scores a distance of 1 apart: the true area is Φ(1/√2). 600 draws: 95 % is told within 2.7 points (three sigmas)."""
    draw, true = np.random.default_rng(11), stats.norm.cdf(1 / np.sqrt(2))
    held = 0
    for _ in range(600):
        y = (draw.random(300) < 0.3).astype(float)
        low, high = auroc_interval(y, draw.normal(y, 1.0))
        held += low <= true <= high
    assert held / 600 == pytest.approx(interval.LEVEL, abs=0.027)
