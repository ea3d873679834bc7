"""Statistics: merged parts equal the whole, and both are what numpy and pandas say."""

from __future__ import annotations

import itertools
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contracts.statistics import DataError, Statistics, describe, merge_statistics, read_blocks, sketches, summarize
from streaming.contracts.statistics.dataset import LONGEST_NAME, MOST_SLICES, empty
from streaming.contracts.statistics.field import FieldStatistics
from streaming.contracts.statistics.parse import block_of_rows
from streaming.local.telco import load_telco

TELCO = Path("examples/churn/telco_churn.csv")
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=3)
    | st.just({"nested": 1})
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "number": st.floats() | st.none(),
            "count": st.integers(0, 5),
            "text": st.sampled_from(["", "a", "é", "日本", "a b"]) | st.none(),
            "flag": st.booleans(),
            "null": st.none(),
            "odd": ANYTHING,
            "tags": st.lists(st.sampled_from("xyz"), max_size=3),
        },
    ),
    max_size=25,
)


def of_rows(rows: list[dict[str, Any]]) -> Statistics:
    return describe([block_of_rows(rows)], slices=["flag"])


def assert_alike(a: FieldStatistics, b: FieldStatistics) -> None:
    """Counts are equal, moments alike, and so are the few values that sketches hold exactly."""
    assert (a.present, a.null, a.absent, a.kinds) == (b.present, b.null, b.absent, b.kinds)
    assert sketches.distinct(a.distinct) == sketches.distinct(b.distinct)
    assert sketches.top_values(a.top) == sketches.top_values(b.top)
    for one, other in ((a.valency, b.valency), (a.texts and a.texts.lengths, b.texts and b.texts.lengths)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (one.count, one.low, one.high, one.mean, one.m2) == pytest.approx(
                (other.count, other.low, other.high, other.mean, other.m2)
            )
    assert (a.numbers is None) == (b.numbers is None)
    if a.numbers is not None and b.numbers is not None:
        assert (a.numbers.zeros, a.numbers.nan, a.numbers.infinite) == (b.numbers.zeros, b.numbers.nan, b.numbers.infinite)
        one, other = a.numbers.moments, b.numbers.moments
        assert (one.count, one.low, one.high) == (other.count, other.low, other.high)
        assert one.mean == pytest.approx(other.mean, rel=1e-9, abs=1e-9 * max(abs(one.low or 0), abs(one.high or 0)))
        assert sketches.quantiles(a.numbers.sketch, [0, 0.3, 0.5, 1]) == sketches.quantiles(b.numbers.sketch, [0, 0.3, 0.5, 1])


@given(ROWS, st.lists(st.integers(0, 25), max_size=3))
@settings(deadline=None, max_examples=60)
def test_merged_parts_equal_the_whole(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    places = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [of_rows(rows[a:b]) for a, b in pairwise(places)]
    whole, merged = of_rows(rows), merge_statistics([empty(["flag"]), *parts])
    assert (merged.rows, merged.unreadable, merged.unsliced) == (whole.rows, whole.unreadable, whole.unsliced)
    assert merged.fields.keys() == whole.fields.keys()
    for name, field in whole.fields.items():
        assert field.rows == len(rows)
        assert_alike(merged.fields[name], field)
    for value, part in whole.slices["flag"].items():
        assert merged.slices["flag"][value].rows == part.rows
        for name, field in part.fields.items():
            assert_alike(merged.slices["flag"][value].fields[name], field)
    assert [(pair.a, pair.b, pair.count) for pair in merged.pairs.numeric] == [(pair.a, pair.b, pair.count) for pair in whole.pairs.numeric]
    assert {(table.a, table.b): table.counts for table in merged.pairs.categorical} == {
        (table.a, table.b): table.counts for table in whole.pairs.categorical
    }


@pytest.mark.slow
@given(ROWS)
@settings(deadline=None)
def test_what_is_written_is_read_again(rows: list[dict[str, Any]]) -> None:
    statistics = of_rows(rows)
    assert msgspec.json.decode(msgspec.json.encode(statistics), type=Statistics) == statistics
    summary = summarize(statistics)
    assert msgspec.json.decode(msgspec.json.encode(summary), type=type(summary)) == summary


@given(st.lists(st.floats(width=32) | st.none(), min_size=1, max_size=80))
@settings(deadline=None)
def test_numbers_are_numpy_s(values: list[float | None]) -> None:
    field = summarize(describe([block_of_rows([{"x": value} for value in values])])).fields["x"]
    numbers = np.array([value for value in values if value is not None], dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    assert (field.present, field.null) == (len(numbers), len(values) - len(numbers))
    if field.numbers is None:
        assert not len(numbers)
        return
    found = field.numbers
    assert (found.count, found.nan, found.infinite) == (len(finite), np.isnan(numbers).sum(), np.isinf(numbers).sum())
    assert found.zeros == (finite == 0).sum()
    if len(finite):
        assert found.mean == pytest.approx(finite.mean(), rel=1e-6, abs=1e-6 * np.abs(finite).max())
        assert found.quantiles["0.5"] == np.quantile(finite, 0.5, method="inverted_cdf")
        assert sum(found.equal_width.counts) == pytest.approx(len(finite))
        assert sum(found.equal_count.counts) == pytest.approx(len(finite))


def test_telco_is_what_pandas_says() -> None:
    statistics = describe(read_blocks(TELCO), slices=["contract"])
    summary, frame = summarize(statistics), load_telco(TELCO)
    assert summary.rows == len(frame)
    assert list(summary.fields) == list(frame.columns)
    for name in frame.columns:
        field, column = summary.fields[name], frame[name]
        assert (field.present, field.null) == (column.notna().sum(), column.isna().sum())
        assert field.distinct.least <= column.nunique() <= field.distinct.most
        if column.nunique() <= 100:
            counts = column.value_counts()
            assert [top.count for top in field.top] == counts.tolist()[: len(field.top)]
            assert {top.value: top.count for top in field.top}.items() <= {str(k): v for k, v in counts.items()}.items()
        if pd.api.types.is_numeric_dtype(column):
            assert field.numbers is not None
            assert (field.numbers.low, field.numbers.high) == (column.min(), column.max())
            assert (field.numbers.mean, field.numbers.deviation) == pytest.approx((column.mean(), column.std()))
            for share, value in field.numbers.quantiles.items():
                below, up_to = (column < value).sum() / column.count(), (column <= value).sum() / column.count()
                assert below - 2 * sketches.RANK_ERROR <= float(share) <= up_to + 2 * sketches.RANK_ERROR
    assert {value: part.rows for value, part in summary.slices["contract"].items()} == frame.contract.value_counts().to_dict()
    means = frame.groupby("contract").tenure.mean()
    found = {value: part.fields["tenure"].numbers for value, part in summary.slices["contract"].items()}
    assert {value: numbers.mean for value, numbers in found.items() if numbers} == pytest.approx(means.to_dict())


def test_telco_in_halves_is_telco() -> None:
    blocks = list(read_blocks(TELCO))
    halves = [block.take(rows) for block in blocks for rows in np.array_split(np.arange(block.rows), 2)]
    whole, merged = describe(blocks), describe(halves)
    for name, field in whole.fields.items():
        other = merged.fields[name]
        assert (field.kinds, field.null, field.present) == (other.kinds, other.null, other.present)
    correlations = [{(pair.a, pair.b): pair.value for pair in summarize(side).correlation} for side in (whole, merged)]
    assert correlations[0] == pytest.approx(correlations[1])
    assert summarize(whole).association == summarize(merged).association


def test_personal_values_are_nowhere() -> None:
    rows = [{"name": "Ada Lovelace", "age": 36}]
    assert b"Lovelace" in msgspec.json.encode(summarize(describe([block_of_rows(rows)])))
    alone = describe([block_of_rows(rows)], slices=["name"], personal={"name"})
    for side in (msgspec.json.encode(alone), msgspec.json.encode(summarize(alone))):
        assert b"Lovelace" not in side
    assert sketches.top_values(alone.fields["name"].top) == []
    assert alone.unsliced == ["name"]
    assert summarize(alone).fields["name"].distinct.estimate == 1


def test_a_field_with_too_many_values_is_no_slice() -> None:
    rows = [{"id": str(i)} for i in range(MOST_SLICES + 1)]
    halves = [describe([block_of_rows(half)], slices=["id"]) for half in (rows[:60], rows[60:])]
    for statistics in (describe([block_of_rows(rows)], slices=["id"]), merge_statistics(halves)):
        assert (statistics.unsliced, statistics.slices) == (["id"], {})
    assert len(halves[0].slices["id"]) == 60


def test_a_range_beyond_a_double_has_edges() -> None:
    numbers = summarize(describe([block_of_rows([{"x": -1.7e308}, {"x": 1.7e308}, {"x": 0.5}])])).fields["x"].numbers
    assert numbers is not None and numbers.deviation is None
    assert numbers.equal_width.edges == sorted(numbers.equal_width.edges) and len(numbers.equal_width.edges) == 11
    assert sum(numbers.equal_width.counts) == 3


@pytest.mark.slow
def test_rows_of_ever_new_fields_are_refused_before_they_fill_the_memory() -> None:
    blocks = (block_of_rows([{f"f{place}-{i}": 1 for i in range(2600)}]) for place in itertools.count())
    with pytest.raises(DataError, match="more than 5,000 different fields"):
        describe(blocks)


def test_what_strangers_write_is_bounded_in_the_document() -> None:
    """Values of slices and pairs, and names: none of them is longer than what is kept of a value, or of a name."""
    rows = [{"a": "q" * 100_000 + str(i % 3), "b": "w" * 100_000 + str(i % 2), "n" * 100_000: 1, "n" * 99_999: 2} for i in range(30)]
    statistics = describe([block_of_rows(rows)], slices=["a"])
    assert len(msgspec.json.encode(statistics)) < 60_000
    assert list(statistics.slices["a"]) == ["q" * sketches.SHOWN_TEXT]
    assert max(map(len, statistics.fields)) == LONGEST_NAME and len(statistics.fields) == 4


def test_no_rows() -> None:
    summary = summarize(describe([]))
    assert (summary.rows, summary.fields, summary.correlation) == (0, {}, [])
