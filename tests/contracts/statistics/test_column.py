"""Columns from Arrow arrays of every type, JSON values and CSV cells tell the same kinds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.contracts.statistics.column import KINDS, Column, block_of, column_of
from streaming.contracts.statistics.parse import ABSENT, block_of_rows, column_of_texts, column_of_values
from streaming.contracts.validator import compiled

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def kinds(column: Column) -> list[str]:
    return [KINDS[code] for code in column.kinds]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None]), ["integer", "null"]),
        (pa.array([1, 2], pa.uint64()), ["integer", "integer"]),
        (pa.array([2**64 - 1], pa.uint64()), ["integer"]),
        (pa.array([1.5, 3.0, float("nan"), float("inf"), None]), ["number", "integer", "number", "number", "null"]),
        (pa.array([Decimal("1.5")]), ["number"]),
        (pa.array([True, None]), ["boolean", "null"]),
        (pa.array(["é", ""]), ["string", "string"]),
        (pa.array(["a", None]).dictionary_encode(), ["string", "null"]),
        (pa.array(["a"], pa.large_string()), ["string"]),
        (pa.array([MOMENT, None]), ["timestamp", "null"]),
        (pa.array([datetime(2026, 1, 2)]), ["timestamp"]),  # noqa: DTZ001  a time without a zone is what is tested
        (pa.array([date(2026, 1, 2)]), ["timestamp"]),
        (pa.array([b"\x00"]), ["binary"]),
        (pa.array([{"a": 1}, None]), ["object", "null"]),
        (pa.array([[1, 2], None, []]), ["array", "null", "array"]),
        (pa.nulls(2), ["null", "null"]),
        (pa.array([], pa.float64()), []),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_arrow_types(array: pa.Array, expected: list[str]) -> None:
    column = column_of(array)
    assert kinds(column) == expected
    assert len(column.numbers) == len(column.texts) == len(array)


def test_times_are_seconds() -> None:
    for array in (pa.array([MOMENT]), pa.array([date(2026, 1, 2)]), pa.array([MOMENT], pa.timestamp("ns", tz="Europe/Paris"))):
        assert column_of(array).numbers.to_pylist() == [MOMENT.timestamp()]


def test_json_values_keep_null_and_absent_apart() -> None:
    values: list[Any] = [1, 2.5, 3.0, "x", True, None, ABSENT, [1, "a"], {"k": 1}, 2**70, -(10**400)]
    column = column_of_values(values)
    assert kinds(column) == [
        "integer", "number", "integer", "string", "boolean", "null", "absent", "array", "object", "integer", "integer",
    ]  # fmt: skip
    assert column.numbers.to_pylist()[:3] == [1.0, 2.5, 3.0]
    assert column.numbers.to_pylist()[-1] == float("-inf")
    assert column.texts.to_pylist()[3:5] == ["x", "true"]
    assert column.elements is not None
    assert kinds(column.elements.values) == ["integer", "string"]
    assert column.elements.lengths.tolist()[7] == 2


def test_csv_cells_are_numbers_where_they_read_as_such() -> None:
    cells = ["1", "-2.5", "007", "1e3", "nan", "-inf", "n/a", "", None, "12345678901234567890"]
    assert kinds(column_of_texts(pa.array(cells))) == [
        "integer", "number", "string", "integer", "number", "number", "string", "string", "null", "integer",
    ]  # fmt: skip
    assert column_of_texts(pa.array(["1", None])).numbers.to_pylist() == [1, None]
    assert kinds(column_of_texts(pa.array(["1", "true"]), "string")) == ["string", "string"]
    assert kinds(column_of_texts(pa.array(["true", "1"]), "boolean")) == ["boolean", "string"]
    assert kinds(column_of_texts(pa.array([None, None], pa.string()))) == ["null", "null"]


@pytest.mark.parametrize("cell", ["2026-01-02T00:00:00Z", "2026-01-02T05:00:00+05:00"])
def test_times_are_read_where_the_contract_says_so(cell: str) -> None:
    texts = pa.array([cell, "2026-01-02T00:00:00", "soon", None])
    for column in (column_of_texts(texts, "timestamp"), column_of_values(texts.to_pylist(), "timestamp")):
        assert kinds(column) == ["timestamp", "string", "string", "null"]
        assert column.numbers.to_pylist()[0] == MOMENT.timestamp()
        assert column.texts.to_pylist() == [None, "2026-01-02T00:00:00", "soon", None]


MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)


@given(
    st.sampled_from(["", "2026-01-01", "T", "t", " ", "00:00:00", "00:00", "24:00:00", "Z", "z", "+01:00", "+0100", ",5", ".5", "W01-1"])
    .flatmap(lambda part: st.tuples(st.just(part), MOMENTS, st.integers(0, 30), st.integers(0, 12)))
    .map(lambda case: case[1][: case[2]] + case[0] + case[1][case[2] + case[3] :])
    | MOMENTS
)
@example("2026-W01-1T00:00:00+00:00")
@example("20260101T000000Z")
@example("2026-01-01T00:00:00,5Z")
@example("2026-01-01T00:00:00+01:00:30")
@example("0001-01-01T00:00:00+12:00")
@example("2026-01-01T00:00:60Z")
@settings(deadline=None)
def test_a_time_is_one_exactly_where_the_contract_takes_it(text: str) -> None:
    takes = compiled({"format": "date-time"}).is_valid(text)
    column = column_of_values([text], "timestamp")
    assert kinds(column) == ["timestamp" if takes else "string"]
    if takes:
        assert column.numbers[0].as_py() == datetime.fromisoformat(text.upper()).timestamp()


def test_whole_numbers_of_nineteen_digits_keep_them_all() -> None:
    cells = ["9223372036854775807", "-9223372036854775807", "9223372036854775808", "1000000000000000001", "99999999999999999999"]
    column = column_of_texts(pa.array(cells))
    assert column.integers.to_pylist() == [2**63 - 1, -(2**63) + 1, None, 10**18 + 1, None]
    assert set(kinds(column)) == {"integer"}


def test_take_takes_rows_and_their_elements() -> None:
    block = block_of(pa.record_batch({"a": pa.array([[1], [], [2, 3], None]), "b": pa.array(["w", "x", "y", "z"])}))
    taken = block.take(np.array([0, 2]))
    assert taken.rows == 2
    assert taken.columns["b"].texts.to_pylist() == ["w", "y"]
    elements = taken.columns["a"].elements
    assert elements is not None
    assert (elements.values.numbers.to_pylist(), elements.parents.tolist(), elements.lengths.tolist()) == ([1, 2, 3], [0, 1, 1], [1, 2])


def test_rows_may_have_different_fields() -> None:
    block = block_of_rows([{"a": 1}, {}, {"b": None}])
    assert {name: kinds(column) for name, column in block.columns.items()} == {
        "a": ["integer", "absent", "absent"],
        "b": ["absent", "absent", "null"],
    }


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 1.0, -0.0, 0, 2.5], ["1", "1", "0", "0", "2.5"]),
        ([10**10, 1e10, 2**62 + 1, 0.5], ["10000000000", "10000000000", "4611686018427387905", "0.5"]),
        ([True, "true", None, ABSENT, "1"], ["true", "true", None, None, "1"]),
    ],
)
def test_a_value_has_the_same_text_whatever_stands_beside_it(values: list[Any], texts: list[str | None]) -> None:
    assert column_of_values(values).as_texts().to_pylist() == texts
    assert [column_of_values([value]).as_texts()[0].as_py() for value in values] == texts


def test_arrow_and_csv_write_numbers_alike() -> None:
    assert column_of(pa.array([2**63 - 1, 2**64 - 1, 7], pa.uint64())).as_texts().to_pylist()[::2] == ["9223372036854775807", "7"]
    assert column_of_texts(pa.array(["123456789012345678", "7.0", "1e3", "0.5"])).as_texts().to_pylist() == [
        "123456789012345678", "7", "1000", "0.5",
    ]  # fmt: skip
    assert column_of(pa.array([7.0, None, float("nan")])).as_texts().to_pylist() == ["7", None, "nan"]
