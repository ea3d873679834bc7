"""Distances of distributions: known values, symmetry, bounds; scipy agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from streaming.contracts.statistics.distance import (
    jensen_shannon,
    jensen_shannon_by_chance,
    l_infinity,
    l_infinity_by_chance,
    largest_psi,
    psi,
    psi_by_chance,
    share_by_chance,
    shared_bins,
)
from streaming.contracts.statistics.sketches import quantile_sketch

COUNTS = st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_jensen_shannon_is_scipy_s(p: list[int], q: list[int]) -> None:
    found = jensen_shannon(p, q)
    assert found == pytest.approx(float(jensenshannon(p, q, base=2)) ** 2, abs=1e-9)
    assert -1e-12 <= found <= 1 + 1e-12
    assert found == pytest.approx(jensen_shannon(q, p))


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_psi_is_symmetric_and_zero_for_equal_shares(p: list[int], q: list[int]) -> None:
    assert psi(p, q) == pytest.approx(psi(q, p))
    assert psi(p, q) >= -1e-12
    assert psi(p, [3 * n for n in p]) == pytest.approx(0)


def test_psi_by_hand() -> None:
    assert psi([50, 50], [25, 75]) == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))
    for scale, floor in ((1, 0.5 / 100), (1000, 1e-4)):
        found = psi([100 * scale, 0], [50 * scale, 50 * scale])
        assert found == pytest.approx((0.5 - 1) * np.log(0.5) + (0.5 - floor) * np.log(0.5 / floor))
        assert found < largest_psi([100 * scale, 0], [50 * scale, 50 * scale])


def test_l_infinity_knows_values_of_one_side_alone() -> None:
    assert l_infinity({"a": 8, "b": 2}, {"a": 6, "c": 4}) == (0.4, "c")
    assert l_infinity({}, {}) == (0.0, "")
    assert l_infinity({"a": 5}, {"a": 500}) == (0.0, "a")


@pytest.mark.parametrize(("n", "m"), [(50, 50), (200, 1000), (5000, 500)])
def test_chance_is_hardly_ever_exceeded_and_not_much_too_large(n: int, m: int) -> None:
    """Two samples of one population, two thousand times: none beyond the limit, the largest not far below it."""
    random = np.random.default_rng(n + m)
    shares = [0.1] * 10
    pairs = [(random.multinomial(n, shares).tolist(), random.multinomial(m, shares).tolist()) for _ in range(2000)]
    for measure, limit in ((jensen_shannon, jensen_shannon_by_chance), (psi, psi_by_chance)):
        parts = [measure(*pair) / limit(*pair) for pair in pairs]
        assert 0.4 < max(parts) < 1
    named = [tuple({str(value): float(count) for value, count in enumerate(counts)} for counts in pair) for pair in pairs]
    parts = [l_infinity(first, second)[0] / l_infinity_by_chance(first, second) for first, second in named]
    assert 0.4 < max(parts) < 1


def test_of_nothing_chance_makes_nothing() -> None:
    assert (l_infinity_by_chance({}, {"a": 3}), psi_by_chance([0, 0], [1, 2]), jensen_shannon_by_chance([4], [5])) == (0, 0, 0)
    assert share_by_chance(1.0, 1.0, 10, 10) == 0


def test_bins_are_the_deciles_of_the_first() -> None:
    random = np.random.default_rng(5)
    before, alike, shifted = random.normal(size=4000), random.normal(size=4000), random.normal(1, size=4000)
    first, second = shared_bins(quantile_sketch(before), quantile_sketch(alike))
    assert sum(first) == sum(second) == pytest.approx(4000)
    assert (jensen_shannon(first, second), psi(first, second)) == (pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.05))
    moved = shared_bins(quantile_sketch(before), quantile_sketch(shifted))
    assert jensen_shannon(*moved) > 0.1 and psi(*moved) > 0.5


def test_what_lies_beyond_the_first_is_not_lost_in_its_last_bin() -> None:
    before = np.tile(np.arange(100.0), 10)
    now = np.where(np.arange(1000) % 10 == 0, 1e6, before)
    first, second = shared_bins(quantile_sketch(before), quantile_sketch(now))
    assert (first[-1], second[-1]) == (0.0, pytest.approx(100, abs=15))


def test_a_number_that_is_most_of_the_first_has_its_own_bin() -> None:
    before = np.array([0.0] * 90 + list(range(1, 11)))
    now = np.array([-1.0] * 10 + [0.0] * 80 + [5.0] * 10)
    first, second = shared_bins(quantile_sketch(before), quantile_sketch(now))
    assert 90.0 in first and 80.0 in second
