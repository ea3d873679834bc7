"""Each measure against scipy on the same real rows: telco customers, with and without a shift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from streaming.drift.change_point import change_point
from streaming.drift.chi_squared import chi_squared
from streaming.drift.hellinger import hellinger
from streaming.drift.jensen_shannon import jensen_shannon
from streaming.drift.ks import ks
from streaming.drift.l_infinity import l_infinity
from streaming.drift.measures import MEASURES, THRESHOLDS, figures
from streaming.drift.multiple_testing import benjamini_hochberg
from streaming.drift.proportion import fisher, missing_share, unseen_share
from streaming.drift.psi import psi
from streaming.drift.sample import Sample
from streaming.drift.wasserstein import spread, wasserstein
from streaming.local.telco import CATEGORICAL, load_telco, split
from streaming.metrics import kll
from streaming.metrics.sketches import Histogram, count
from streaming.models.artifact import Feature
from streaming.models.reference import freeze

NUMBERS = ("tenure", "monthly_charges", "total_charges")
EXACT = 1e-9
COUNTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12).filter(any)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training, and customers of whom a third is new and all pay more."""
    training, held_out = split(load_telco(Path(__file__).parents[2] / "examples" / "churn" / "telco_churn.csv"))
    shifted = held_out.copy()
    shifted["monthly_charges"] *= 1.1
    shifted.loc[shifted.index[::3], "contract"] = "Month-to-month"
    shifted.loc[shifted.index[::3], "tenure"] = 1
    return training, shifted


def bins_of(tables: tuple[pd.DataFrame, pd.DataFrame], name: str) -> tuple[list[int], list[int]]:
    """Counts over the frozen bins."""
    frozen = freeze(Feature(name, "categorical" if name in CATEGORICAL else "numeric"), pa.array(tables[0][name], from_pandas=True))
    return frozen.counts.counts, count(frozen.bins, pa.array(tables[1][name], from_pandas=True)).counts


@pytest.mark.parametrize("name", [*NUMBERS, *CATEGORICAL])
def test_measures_of_bins_are_scipy_s(tables: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    before, now = bins_of(tables, name)
    p, q = (np.array(counts) / sum(counts) for counts in (before, now))
    assert jensen_shannon(before, now) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=EXACT)
    assert hellinger(before, now) == pytest.approx(np.sqrt(1 - np.sqrt(p * q).sum()), abs=1e-7)
    assert l_infinity(before, now)[0] == pytest.approx(np.abs(p - q).max(), abs=EXACT)
    floored = [np.maximum(share, 1e-4) for share in (p, q)]
    assert psi(before, now) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-6) or (floored[1] != q).any()
    used = [(b, n) for b, n in zip(before, now, strict=True) if b + n]
    theirs = stats.chi2_contingency(np.transpose(used), correction=False)
    ours = chi_squared(before, now)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)
    assert ours.value == pytest.approx(np.sqrt(theirs.statistic * (1 / sum(before) + 1 / sum(now))), abs=EXACT)


@pytest.mark.parametrize("name", NUMBERS)
def test_ks_and_wasserstein_of_sketches_are_scipy_s_within_their_stated_error(tables: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    values = [table[name].dropna().to_numpy(float) for table in tables]
    sketches = [kll.points(kll.sketch(each)) for each in values]
    found, theirs = ks(*sketches), stats.ks_2samp(*values, method="asymp")
    assert 0 < found.error < 0.03
    assert found.value == pytest.approx(theirs.statistic, abs=found.error)
    assert found.p_value is not None
    assert found.p_value >= theirs.pvalue * 0.9, "a sketch's error must not make a test surer"
    moved, distance = wasserstein(*sketches), stats.wasserstein_distance(*values)
    assert spread(sketches[0]) == pytest.approx(values[0].std(), rel=0.03)
    assert moved.value * spread(sketches[0]) == pytest.approx(distance, abs=moved.error * values[0].std())


@pytest.mark.parametrize("name", NUMBERS)
def test_ks_and_wasserstein_of_few_numbers_are_scipy_s(tables: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    values = [table[name].dropna().to_numpy(float)[:n] for table, n in zip(tables, (200, 150), strict=True)]
    sketches = [kll.points(kll.sketch(each)) for each in values]
    found, theirs = ks(*sketches), stats.ks_2samp(*values, method="asymp")
    assert (found.value, found.error) == (pytest.approx(theirs.statistic, abs=EXACT), 0.0)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=0.15, abs=0.02), "Stephens' correction against scipy's rounded n"
    assert wasserstein(*sketches).value == pytest.approx(stats.wasserstein_distance(*values) / values[0].std(), rel=1e-9)


@pytest.mark.parametrize("table", [[(990, 10), (400, 100)], [(1000, 0), (497, 3)], [(50, 1), (40, 9)], [(5, 5), (3, 7)]])
def test_missing_and_unseen_shares_are_tested_as_scipy_tests_them(table: list[tuple[int, int]]) -> None:
    before, now = table
    few = stats.contingency.expected_freq(table).min() < 5
    theirs = stats.fisher_exact(table).pvalue if few else stats.chi2_contingency(table, correction=False).pvalue
    for found in (
        missing_share(Histogram([before[0]], missing=before[1]), Histogram([now[0]], missing=now[1])),
        unseen_share(Histogram([before[0]], unseen=before[1]), Histogram([now[0]], unseen=now[1])),
    ):
        assert found.p_value == pytest.approx(theirs, rel=1e-6)
        assert found.value == pytest.approx(abs(now[1] / sum(now) - before[1] / sum(before)))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_fisher_is_scipy_s(a: int, b: int, c: int, d: int) -> None:
    if a + b and c + d and a + c:
        assert fisher(a, a + b, a + c, a + b + c + d) == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_and_hochberg_s_is_scipy_s(p_values: dict[str, float]) -> None:
    theirs = stats.false_discovery_control(list(p_values.values()), method="bh")
    assert list(benjamini_hochberg(p_values).values()) == pytest.approx(theirs.tolist(), abs=1e-12)


@given(COUNTS, COUNTS)
def test_measures_of_bins_are_symmetric_within_bounds_and_zero_for_the_same(a: list[int], b: list[int]) -> None:
    size = min(len(a), len(b))
    if not any(a[:size]) or not any(b[:size]):
        return
    before, now = Sample(Histogram(a[:size])), Sample(Histogram(b[:size]))
    there, back, same = figures(before, now), figures(now, before), figures(before, before)
    for name in ("jensen_shannon", "hellinger", "l_infinity", "chi_squared"):
        assert there[name].value == pytest.approx(back[name].value, abs=1e-7)
        assert same[name].value == pytest.approx(0, abs=1e-7)
    assert all(0 <= there[name].value <= 1 + 1e-12 for name in ("jensen_shannon", "hellinger", "l_infinity"))


def test_a_measure_of_sketches_is_absent_where_one_is_missing() -> None:
    sketch = kll.sketch(np.arange(10.0))
    with_it, without = Sample(Histogram([5, 5]), sketch), Sample(Histogram([5, 5]))
    assert set(MEASURES) - set(figures(with_it, without)) == {"ks", "wasserstein"}
    assert set(figures(with_it, with_it)) == set(MEASURES) == set(THRESHOLDS)


def test_a_change_is_dated_by_its_window() -> None:
    rng = np.random.default_rng(0)
    quiet, loud = [0.5, 0.3, 0.2], [0.35, 0.3, 0.35]
    row = [rng.multinomial(500, quiet) for _ in range(12)] + [rng.multinomial(500, loud) for _ in range(5)]
    found = change_point(row)
    assert found is not None
    assert found.first == 12
    assert found.p_value < 1e-6


def test_without_a_change_few_rows_have_a_sure_one() -> None:
    """A false date at 1 % in 300 rows: no more than 9, three standard deviations above the 3 that chance gives."""
    rng = np.random.default_rng(1)
    found = [change_point(rng.multinomial(500, [0.5, 0.3, 0.2], size=16)) for _ in range(300)]
    assert sum(each is not None and each.p_value <= 0.01 for each in found) <= 9
    assert change_point([[1, 2]]) is None
