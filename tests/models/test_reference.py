"""Frozen bins."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.metrics.sketches import Histogram
from streaming.models.artifact import Feature
from streaming.models.reference import freeze

NUMBER = Feature("x", "numeric")
CATEGORY = Feature("x", "categorical")


def test_many_values_fall_into_deciles() -> None:
    frozen = freeze(NUMBER, pa.array([float(value) for value in range(1000)]))

    assert frozen.counts == Histogram([100] * 10)


@pytest.mark.parametrize("ones", [1, 50, 99])
def test_a_rare_value_of_two_keeps_its_own_bin(ones: int) -> None:
    frozen = freeze(NUMBER, pa.array([0] * (100 - ones) + [1] * ones, pa.int64()))

    assert frozen.counts == Histogram([100 - ones, ones])


def test_a_value_that_never_varies_has_one_bin() -> None:
    frozen = freeze(NUMBER, pa.array([3.0, 3.0, None]))

    assert (frozen.bins.edges, frozen.counts) == ([], Histogram([2], missing=1))


def test_a_column_without_values_has_one_empty_bin() -> None:
    frozen = freeze(NUMBER, pa.array([None, None], pa.float64()))

    assert (frozen.bins.edges, frozen.counts) == ([], Histogram([0], missing=2))


def test_categories_come_most_frequent_first_then_by_name() -> None:
    frozen = freeze(CATEGORY, pa.array(["b", "c", None, "c", "a"]))

    assert (frozen.bins.values, frozen.counts) == (["c", "a", "b"], Histogram([2, 1, 1], missing=1))


@given(st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), max_size=60))
def test_every_training_value_is_counted_and_no_edge_is_empty_above(values: list[float | None]) -> None:
    frozen = freeze(NUMBER, pa.array(values, pa.float64()))

    assert frozen.counts.total == len(values)
    assert frozen.bins.edges == sorted(set(frozen.bins.edges))
    assert len(frozen.bins.edges) < 10
