"""Moments merge to those of the whole, and are numpy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contracts.statistics.moments import Moments, merge_moments, moments

NUMBERS = st.lists(st.floats(-1e6, 1e6), max_size=60)


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_merged_parts_equal_the_whole(parts: list[list[float]]) -> None:
    whole = np.array([value for part in parts for value in part])
    merged = merge_moments(moments(np.array(part)) for part in parts)
    assert merged.count == len(whole)
    if len(whole):
        assert (merged.low, merged.high) == (whole.min(), whole.max())
        assert merged.mean == pytest.approx(whole.mean(), rel=1e-9, abs=1e-6)
        assert merged.m2 == pytest.approx(((whole - whole.mean()) ** 2).sum(), rel=1e-6, abs=1e-3)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_deviation_is_the_sample_s(values: list[float]) -> None:
    assert moments(np.array(values)).deviation == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)


def test_digits_survive_far_from_zero() -> None:
    """A sum of squares minus a square of the sum would lose all of them."""
    values = 1e9 + np.arange(1000.0)
    merged = merge_moments([moments(values[:300]), moments(values[300:])])
    assert merged.deviation == pytest.approx(np.std(np.arange(1000.0), ddof=1), rel=1e-9)


def test_too_large_for_a_double_is_told_as_unknown() -> None:
    huge = moments(np.array([1e308, 1.7e308, 1.7e308]))
    assert huge.m2 is None and huge.deviation is None
    assert huge.mean == pytest.approx(1.4666666e308)
    merged = merge_moments([huge, moments(np.array([-1.7e308]))])
    assert merged.m2 is None and math.isfinite(merged.mean) and (merged.count, merged.low) == (4, -1.7e308)


def test_nothing_is_neutral() -> None:
    some = moments(np.array([1.0, 2.0]))
    assert merge_moments([]) == Moments()
    assert merge_moments([Moments(), some, Moments()]) == some
    assert some.deviation is not None and moments(np.array([5.0])).deviation is None
