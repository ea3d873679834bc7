"""PSI against its definition, its laws, and what chance does to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streaming.drift.psi import all_bins, chance_limit, psi
from streaming.metrics.sketches import Histogram


def test_it_is_the_sum_of_share_differences_times_log_ratios() -> None:
    expected = 0.1 * math.log(0.4 / 0.3) - 0.3 * math.log(0.2 / 0.5) + 0.2 * math.log(0.4 / 0.2)
    assert psi([30, 50, 20], [80, 40, 80]) == pytest.approx(expected)


def test_it_depends_on_shares_only_and_is_symmetric() -> None:
    assert psi([10, 30], [3, 1]) == pytest.approx(psi([1000, 3000], [300, 100]))
    assert psi([10, 30], [30, 10]) == pytest.approx(psi([30, 10], [10, 30]))


def test_an_empty_bin_takes_the_floor() -> None:
    assert psi([100, 0], [50, 50]) == pytest.approx(-0.5 * math.log(0.5) + (0.5 - 1e-4) * math.log(0.5 / 1e-4))
    assert psi([100, 0], [50, 50], floor=1e-2) < psi([100, 0], [50, 50])


def test_a_rise_of_missing_or_unseen_values_counts() -> None:
    known = Histogram([90, 10])
    assert psi(all_bins(known), all_bins(Histogram([45, 5], missing=50))) > 1
    assert psi(all_bins(known), all_bins(Histogram([45, 5], unseen=50))) > 1


@pytest.mark.parametrize(("expected", "actual"), [([1, 2], [1, 2, 3]), ([0, 0], [1, 2]), ([1, 2], [0, 0])])
def test_what_cannot_be_compared_is_refused(expected: list[int], actual: list[int]) -> None:
    with pytest.raises(ValueError, match="compare"):
        psi(expected, actual)


@pytest.mark.parametrize("bins", [2, 5, 12])
def test_chance_exceeds_a_limit_as_seldom_as_it_says(bins: int) -> None:
    """At z = 2.326 one sample of a hundred lies above: 4,000 draws of one population give 40, give or take 4 deviations."""
    rng = np.random.default_rng(bins)
    shares = np.full(bins, 1 / bins)
    pairs = [(rng.multinomial(5000, shares).tolist(), rng.multinomial(800, shares).tolist()) for _ in range(4000)]
    above = sum(psi(one, other) > chance_limit(one, other, z=2.326) for one, other in pairs)
    assert 15 <= above <= 70


def test_bins_that_neither_holds_do_not_raise_the_limit() -> None:
    assert chance_limit([50, 50, 0, 0], [50, 50, 0, 0]) == chance_limit([50, 50], [50, 50])
    assert chance_limit([50, 0], [50, 0]) == 0


def test_an_empty_histogram_has_no_limit() -> None:
    with pytest.raises(ValueError, match="without values"):
        chance_limit([0, 0], [1, 2])
