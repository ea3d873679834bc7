"""Sketches stay within their stated errors, whole and merged."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from streaming.contracts.statistics import sketches

SHARES = [0.01, 0.25, 0.5, 0.75, 0.99]
# The stated error holds with 99 % confidence for one quantile; twice that for the many that are looked at here.
RANK_ERROR = 2 * sketches.RANK_ERROR


def ranks(values: np.ndarray, found: list[float]) -> list[tuple[float, float]]:
    """Share of values below, and up to, each quantile found."""
    ordered = np.sort(values)
    return [(np.searchsorted(ordered, q, "left") / len(values), np.searchsorted(ordered, q, "right") / len(values)) for q in found]


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("kind", ["even", "skewed", "tied"])
def test_quantiles_are_within_the_stated_rank_error(kind: str, parts: int) -> None:
    random = np.random.default_rng(7)
    values = {"even": random.random(20_000), "skewed": random.lognormal(sigma=3, size=20_000), "tied": random.integers(0, 9, 20_000) * 1.0}[
        kind
    ]
    sketch = sketches.merge_quantiles(sketches.quantile_sketch(part) for part in np.array_split(values, parts))
    for share, (below, up_to) in zip(SHARES, ranks(values, sketches.quantiles(sketch, SHARES)), strict=True):
        assert below - RANK_ERROR <= share <= up_to + RANK_ERROR
    assert sketches.quantiles(sketch, [0, 1]) == [values.min(), values.max()]


def test_few_numbers_are_exact() -> None:
    values = np.arange(1.0, 401.0)
    assert sketches.quantiles(sketches.quantile_sketch(values), SHARES) == np.quantile(values, SHARES, method="inverted_cdf").tolist()
    assert sketches.counts_between(sketches.quantile_sketch(values), [10.0, 300.5]) == [10.0, 290.0, 100.0]


def test_counts_between_sum_to_all() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    counts = sketches.counts_between(sketches.quantile_sketch(values), [-1.0, 0.0, 1.0])
    assert sum(counts) == pytest.approx(5000)
    truth = np.histogram(values, [-np.inf, -1, 0, 1, np.inf])[0]
    assert np.abs(np.array(counts) - truth).max() <= 2 * RANK_ERROR * 5000


@pytest.mark.parametrize("size", [0, 1, 100, 20_000])
def test_distinct_values_are_within_bounds(size: int) -> None:
    texts = [f"customer {i}" for i in range(size)]
    merged = sketches.merge_distinct([sketches.distinct_sketch(texts[: size // 2]), sketches.distinct_sketch(texts[size // 3 :])])
    found = sketches.distinct(merged)
    assert abs(found.estimate - size) <= 4 * sketches.DISTINCT_ERROR * size
    assert found.least <= found.estimate <= found.most


def test_frequencies_are_exact_up_to_their_size_and_bounded_beyond() -> None:
    random = np.random.default_rng(3)
    few = [f"v{i}" for i in random.zipf(2, 5000) if i < 500]
    counts = Counter(few)
    halves = [Counter(few[:2000]), Counter(few[2000:])]
    merged = sketches.merge_frequencies(sketches.frequency_sketch(half.keys(), half.values()) for half in halves)
    assert {top.value: top.count for top in sketches.top_values(merged)} == counts
    assert sketches.is_exact(merged)
    many = Counter({f"w{i}": 3 for i in range(5000)} | {"often": 9000})
    crowded = sketches.frequency_sketch(many.keys(), many.values())
    assert not sketches.is_exact(crowded)
    assert all(top.least <= many[top.value] <= top.most for top in sketches.top_values(crowded))
    assert sketches.top_values(crowded, 1)[0].value == "often"


def test_a_long_text_is_counted_by_its_beginning() -> None:
    sketch = sketches.frequency_sketch(["x" * 10_000_000], [2])
    assert len(sketch) < 1000
    assert sketches.top_values(sketch)[0].value == "x" * sketches.SHOWN_TEXT


def test_nothing_is_an_empty_sketch() -> None:
    assert sketches.quantiles(sketches.quantile_sketch(np.array([])), SHARES) == []
    assert sketches.counts_between(sketches.quantile_sketch(np.array([])), [1.0]) == [0.0, 0.0]
    assert sketches.top_values(sketches.frequency_sketch([], [])) == []
    assert sketches.distinct(sketches.merge_distinct([])).estimate == 0
