"""Correlation is pandas' and association scipy's, whole and merged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import association

from streaming.contracts.statistics.column import Block, block_of
from streaming.contracts.statistics.pairs import LARGEST, MOST_CATEGORICAL, MOST_NUMERIC, MOST_VALUES, Pairs, count_pairs, merge_pairs
from streaming.contracts.statistics.parse import block_of_rows


def of_frame(frame: pd.DataFrame) -> Block:
    return block_of(pa.RecordBatch.from_pandas(frame, preserve_index=False))


def correlations(pairs: Pairs) -> dict[tuple[str, str], float | None]:
    return {(pair.a, pair.b): pair.correlation for pair in pairs.numeric}


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(deadline=None)
def test_correlation_is_pandas_s_with_gaps(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(1e6, 10, (60, 3)), columns=["a", "b", "c"])
    frame["c"] += frame.a * random.normal()
    frame = frame.mask(random.random(frame.shape) < 0.2)
    merged = merge_pairs([count_pairs(of_frame(part)) for part in (frame[:cut], frame[cut:])])
    expected = frame.corr()
    for found in (correlations(merged), correlations(count_pairs(of_frame(frame)))):
        assert found == {(a, b): pytest.approx(expected.loc[a, b], abs=1e-7) for a, b in [("a", "b"), ("a", "c"), ("b", "c")]}


@pytest.mark.parametrize("odd", [1e6, 1.7e9, 1e12, -1e100])
@pytest.mark.parametrize("share", [0.002, 0.3, 0.8])
def test_a_sentinel_where_the_other_is_missing_changes_nothing(odd: float, share: float) -> None:
    """The distances are taken from the middle of a column; here it may be far from all rows that both columns have."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"a": random.normal(size=500)})
    frame["b"] = frame.a + random.normal(size=500) * 0.1
    missing = np.arange(500) < 500 * share
    expected = frame[~missing].corr().loc["a", "b"]
    frame.loc[missing, "a"], frame.loc[missing, "b"] = odd, np.nan
    merged = merge_pairs([count_pairs(of_frame(part)) for part in (frame[:100], frame[100:])])
    for pairs in (merged, count_pairs(of_frame(frame))):
        assert correlations(pairs) == {("a", "b"): pytest.approx(expected, abs=1e-9)}


@given(st.integers(0, 2**32), st.sampled_from([1e3, 1e9, -999.0, 1e30]), st.floats(0, 0.9))
@settings(deadline=None, max_examples=60)
def test_correlation_is_pandas_s_with_outliers_and_gaps(seed: int, odd: float, share: float) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(60, 3)), columns=["a", "b", "c"])
    frame["c"] += frame.a
    frame = frame.mask(random.random(frame.shape) < 0.2).where(random.random(frame.shape) > share / 3, odd)
    expected = frame.corr()
    for (a, b), found in correlations(count_pairs(of_frame(frame))).items():
        both = frame[[a, b]].dropna()
        if min(both.nunique(), default=0) < 2:
            assert found is None
        elif both.abs().to_numpy().max() < 1e20:  # pandas takes one pass, and is lost itself beyond
            assert found == pytest.approx(expected.loc[a, b], abs=1e-6)


def test_a_number_that_is_the_same_in_all_common_rows_has_no_correlation() -> None:
    rows = [{"a": 0.1, "b": i / 7} for i in range(33)] + [{"a": float(i), "b": None} for i in range(10)]
    assert correlations(count_pairs(block_of_rows(rows))) == {("a", "b"): None}


def test_codes_are_associated_like_the_texts_they_stand_for() -> None:
    rows = [{"code": i % 3, "text": "abc"[i % 3], "other": "xy"[i // 3 % 2]} for i in range(60)]
    pairs = count_pairs(block_of_rows(rows), {"code"})
    assert {(table.a, table.b): table.association for table in pairs.categorical} == {
        ("code", "other"): pytest.approx(0), ("code", "text"): pytest.approx(1), ("other", "text"): pytest.approx(0),
    }  # fmt: skip
    assert [(table.a, table.b) for table in count_pairs(block_of_rows(rows)).categorical] == [("other", "text")]


@given(st.lists(st.tuples(st.sampled_from("abc") | st.none(), st.sampled_from("xyz")), min_size=2, max_size=60), st.integers(0, 60))
@settings(deadline=None)
def test_association_is_scipy_s(rows: list[tuple[str | None, str]], cut: int) -> None:
    blocks = [block_of_rows([{"a": a, "b": b} for a, b in part]) for part in (rows[:cut], rows[cut:])]
    tables = merge_pairs([count_pairs(block) for block in blocks]).categorical
    kept = pd.DataFrame([row for row in rows if row[0] is not None], columns=["a", "b"])
    if kept.empty:
        assert [table.counts for table in tables] in ([], [{}])
        return
    table = pd.crosstab(kept.a, kept.b)
    assert pd.DataFrame(tables[0].counts).T.fillna(0).astype(int).sort_index().sort_index(axis=1).to_dict() == table.to_dict()
    expected = association(table.to_numpy(), method="cramer") if min(table.shape) > 1 else None
    assert tables[0].association == (None if expected is None else pytest.approx(expected))


def test_what_never_changes_has_no_correlation() -> None:
    pairs = count_pairs(of_frame(pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 2.0], "x": ["k", "k"], "y": ["m", "n"]})))
    assert [pair.correlation for pair in pairs.numeric] == [None]
    assert [table.association for table in pairs.categorical] == [None]


def test_numbers_too_large_to_square_are_left_out() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 1e300, np.inf], "b": [2.0, 4.0, 1.0, 1.0]})
    (pair,) = count_pairs(of_frame(frame)).numeric
    assert (pair.count, pair.correlation) == (2, pytest.approx(1.0))
    assert LARGEST < 1e300


def test_too_many_values_or_fields_are_left_out_and_said() -> None:
    rows = [{"id": str(i), "kind": "ab"[i % 2], "other": "x"} for i in range(MOST_VALUES + 1)]
    merged = merge_pairs([count_pairs(block_of_rows(half)) for half in (rows[:20], rows[20:])])
    whole = count_pairs(block_of_rows(rows))
    assert merged == whole
    assert (whole.left_out, [(table.a, table.b) for table in whole.categorical]) == (["id"], [("kind", "other")])
    assert count_pairs(block_of_rows([{f"n{i}": i for i in range(MOST_NUMERIC + 1)}])) == Pairs(crowded=True)
    assert count_pairs(block_of_rows([{f"t{i}": "x" for i in range(MOST_CATEGORICAL + 1)}])) == Pairs(crowded=True)
    few = [count_pairs(block_of_rows([{f"t{i}": "x" for i in range(a, a + 25)}])) for a in (0, 25)]
    assert merge_pairs(few) == Pairs(crowded=True)
