"""KLL sketches: what merges, how far off a rank is, and that Apache DataSketches reads the same in the same bytes."""

from __future__ import annotations

import datasketches as ds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.metrics import kll

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=400).map(lambda found: np.array(found, dtype=float))
SEEDS = st.tuples(st.integers(0, 2**32), st.integers(1, 3000)).map(lambda of: np.random.default_rng(of[0]).lognormal(size=of[1]))


def worst(sketch: bytes, values: np.ndarray) -> float:
    """The largest error of a rank, at the hundredths of the numbers themselves."""
    asked = np.quantile(values, np.linspace(0, 1, 101))
    true = np.searchsorted(np.sort(values), asked, side="right") / len(values)
    return float(np.abs(kll.rank(kll.points(sketch), asked) - true).max())


@pytest.mark.parametrize("size", [1, 2, 3, 199, 200, 201, 1000, 10_007])
def test_datasketches_reads_the_same_ranks_in_the_same_bytes(size: int) -> None:
    values = np.random.default_rng(size).normal(size=size)
    theirs = ds.kll_doubles_sketch.deserialize(kll.sketch(values))
    ours = kll.points(kll.sketch(values))
    assert (theirs.n, theirs.get_min_value(), theirs.get_max_value()) == (size, values.min(), values.max())
    asked = np.linspace(-3, 3, 61)
    inside = asked[(asked >= values.min()) & (asked < values.max())]
    assert [theirs.get_rank(float(x), True) for x in inside] == pytest.approx(kll.rank(ours, inside).tolist(), abs=1e-12)


def test_a_sketch_of_datasketches_is_read_and_merged() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(5000)
    theirs = ds.kll_doubles_sketch(kll.K)
    theirs.update(values[:4999])
    single = ds.kll_doubles_sketch(kll.K)
    single.update(values[4999])
    merged = kll.merge([bytes(theirs.serialize()), bytes(single.serialize())])
    assert kll.points(merged).n == 5000
    assert worst(merged, values) <= 2 * kll.RANK_ERROR


@given(NUMBERS)
def test_up_to_200_numbers_are_all_kept(values: np.ndarray) -> None:
    few = values[:200]
    if len(few):
        assert kll.points(kll.sketch(few)).values.tolist() == np.sort(few).tolist()
    else:
        assert kll.sketch(few) == b""


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS)
def test_merging_is_commutative_to_the_bit(a: np.ndarray, b: np.ndarray) -> None:
    assert kll.merge([kll.sketch(a), kll.sketch(b)]) == kll.merge([kll.sketch(b), kll.sketch(a)])


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS, SEEDS)
def test_merging_is_associative_within_the_stated_error(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    parts = [kll.sketch(part) for part in (a, b, c)]
    left, right = kll.merge([kll.merge(parts[:2]), parts[2]]), kll.merge([parts[0], kll.merge(parts[1:])])
    whole = np.concatenate([a, b, c])
    assert kll.points(left).n == kll.points(right).n == len(whole)
    assert max(worst(left, whole), worst(right, whole)) <= 2 * kll.RANK_ERROR
    assert (kll.points(left).values[[0, -1]] == [whole.min(), whole.max()]).all()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_an_empty_part_adds_nothing_and_the_same_numbers_give_the_same_bytes(values: np.ndarray) -> None:
    sketch = kll.sketch(values)
    assert kll.merge([sketch, b""]) == kll.merge([sketch]) == sketch == kll.sketch(values[::-1])


def test_ranks_are_within_the_stated_error_after_many_merges() -> None:
    """At 100 merged sketches, at least 99 % of 20 × 101 ranks are within it."""
    rng = np.random.default_rng(7)
    errors = []
    for _ in range(20):
        parts = [rng.gamma(2, size=500) for _ in range(100)]
        merged = b""
        for part in parts:
            merged = kll.merge([merged, kll.sketch(part)])
        asked = np.quantile(np.concatenate(parts), np.linspace(0, 1, 101))
        errors.append(
            np.abs(kll.rank(kll.points(merged), asked) - np.searchsorted(np.sort(np.concatenate(parts)), asked, "right") / 50_000)
        )
    assert np.mean(np.concatenate(errors) <= kll.RANK_ERROR) >= 0.99


def test_ten_million_numbers_take_no_more_room_than_ten_thousand() -> None:
    rng = np.random.default_rng(3)
    block = rng.random(100_000)
    sizes, merged = [], b""
    for number in range(100):
        merged = kll.merge([merged, kll.sketch(block + number)])
        sizes.append(len(merged))
    assert kll.points(merged).n == 10_000_000
    assert max(sizes) < 6000
    assert kll.quantile(kll.points(merged), 0.5) == pytest.approx(50, abs=100 * kll.RANK_ERROR)


def test_not_a_number_and_infinities_are_left_out() -> None:
    assert kll.points(kll.sketch(np.array([np.nan, np.inf, 2.0, -np.inf]))).values.tolist() == [2.0]


@pytest.mark.parametrize(
    "sketch",
    [
        b"x",
        kll.sketch(np.arange(300.0))[:-3],
        kll.sketch(np.arange(300.0))[:30],
        bytes(ds.kll_doubles_sketch(128).serialize()),
        kll.sketch(np.arange(9.0)).replace(np.float64(3).tobytes(), np.float64(np.nan).tobytes()),
        kll.sketch(np.arange(300.0)).replace((300).to_bytes(8, "little"), (301).to_bytes(8, "little")),
    ],
    ids=["text", "torn", "a head alone", "another k", "not a number", "another count"],
)
def test_what_is_no_sketch_is_told(sketch: bytes) -> None:
    assert kll.fault(sketch) is not None
    assert kll.fault(kll.sketch(np.arange(300.0))) is None


@pytest.mark.parametrize("size", [1, 150, 5_000])
def test_bytes_that_are_no_sketch_are_told_and_harm_nobody(size: int) -> None:
    made = kll.sketch(np.random.default_rng(size).normal(size=size))
    assert kll.fault(made) is None
    assert [cut for cut in range(len(made)) if kll.fault(made[:cut]) is None] == []
    for place in range(min(len(made), 60)):
        for bit in range(8):
            changed = bytearray(made)
            changed[place] ^= 1 << bit
            if kll.fault(bytes(changed)) is None:
                assert kll.points(bytes(changed)).n == size
    assert kll.fault(np.random.default_rng(1).bytes(400)) is not None
