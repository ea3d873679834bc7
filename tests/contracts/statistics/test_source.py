"""Files of every format give the same rows; what is no data file is told in one line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from streaming.contracts.statistics import DataError, blocks_of_messages, describe, read_blocks, source, summarize

ROWS: list[dict[str, Any]] = [{"a": 1, "b": "x"}, {"a": None, "b": 'é, \n"y"'}, {"a": 3, "b": ""}]


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"data{suffix}"
    table = pa.Table.from_pylist(ROWS)
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix in (".arrow", ".feather"):
        feather.write_feather(table, path)
    elif suffix == ".csv":
        path.write_text('a,b\n1,x\n,"é, \n""y"""\n3,""\n', encoding="utf-8")
    else:
        lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
        path.write_bytes(gzip.compress(lines) if suffix.endswith(".gz") else lines)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".jsonl.gz"])
def test_every_format_gives_the_same_statistics(suffix: str, tmp_path: Path) -> None:
    summary = summarize(describe(read_blocks(written(tmp_path, suffix))))
    assert (summary.rows, list(summary.fields)) == (3, ["a", "b"])
    a, b = summary.fields["a"], summary.fields["b"]
    assert (a.type, a.present, a.null) == ("integer", 2, 1)
    assert (b.type, b.present, sorted(top.value for top in b.top)) == ("string", 3, ["", "x", 'é, \n"y"'])


def test_a_large_file_comes_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"a": range(50_000)}), path)
    blocks = list(read_blocks(path))
    assert [block.rows for block in blocks] == [20_000, 20_000, 10_000]
    lines = tmp_path / "data.csv"
    lines.write_text("a\n" + "\n".join(["x" * 100] * 60_000), encoding="utf-8")
    sizes = [block.rows for block in read_blocks(lines)]
    assert len(sizes) > 1 and sum(sizes) == 60_000


@pytest.mark.slow
def test_a_type_that_changes_late_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,2\n" * 1_500_000 + "n/a,2\n", encoding="utf-8")
    field = summarize(describe(read_blocks(path))).fields["a"]
    assert (field.type, field.kinds) == ("mixed", {"integer": 1_500_000, "string": 1})


def test_messages_that_are_no_object_are_counted() -> None:
    messages = [b'{"a": 1}', b"", b"null", b"[1]", b"\xff", b'{"a": NaN}', b'{"a":', b"[" * 100_000, b'{"a": "\\ud800"}', b'{"a": 2}']
    statistics = describe(blocks_of_messages(messages, rows=3))
    assert (statistics.rows, statistics.unreadable) == (2, 8)


def test_columns_of_digits_are_texts_where_the_contract_says_so(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id\n0042\n7\n", encoding="utf-8")
    assert summarize(describe(read_blocks(path))).fields["id"].type == "mixed"
    assert summarize(describe(read_blocks(path, {"id": "string"}))).fields["id"].type == "string"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.xls", b"", "its name ends in '.xls'; expected one of .csv,"),
        ("data", b"", "its name ends in 'nothing'"),
        ("data.csv", b"", "is empty"),
        ("data.csv", b"a,a\n1,2\n", "column 'a' is there twice"),
        ("data.csv", b"a,b\n1\n", "not csv"),
        ("data.csv", b"a\n\xff\n", "not csv"),
        ("data.parquet", b"no", "not parquet"),
        ("data.arrow", b"no", "not arrow"),
        ("data.jsonl.gz", b"no", "cannot be read"),
        ("data.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 100, mtime=0)[:-9], "ended before the end-of-stream marker"),
        ("data.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "data.csv.gz: "),
        ("data.csv.gz", b"a,b\n1,2\n", "cannot be read"),
        ("data.csv", b"\n\n", "is empty"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        list(read_blocks(path))
    assert message in str(raised.value) and str(path) in str(raised.value) and "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b'"a\nb",c\n1,2\n', ["a\nb", "c"]),
        (b"\na,b\n1,2\n", ["a", "b"]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", ["a", "b"]),
        (b"a,b\r1,2\r", ["a", "b"]),
    ],
    ids=["line break in quotes", "blank first line", "byte order mark", "carriage returns"],
)
def test_headers_are_read_as_the_rows_are(content: bytes, names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    summary = summarize(describe(read_blocks(path)))
    assert (summary.rows, list(summary.fields)) == (1, names)
    assert [field.type for field in summary.fields.values()] == ["integer", "integer"]


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([1, 1_234_567_891], pa.timestamp("ns", "UTC")), "timestamp"),
        (pa.array([(1, 2, 3), None], pa.month_day_nano_interval()), "object"),
        (pa.RunEndEncodedArray.from_arrays([1, 2], ["x", "y"]), "string"),
        (pa.array([b"\xff", None], pa.binary_view()), "binary"),
        (pa.array([b"\xff" * 16] * 2, pa.uuid()), "binary"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_odd_types_of_arrow_are_read(array: pa.Array, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data.arrow"
    feather.write_feather(pa.table({"a": array}), path)
    assert summarize(describe(read_blocks(path))).fields["a"].type == kind


def test_nanoseconds_are_cut_to_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"at": pa.array([1_767_225_600_123_456_789], pa.timestamp("ns", "UTC"))}), path)
    numbers = summarize(describe(read_blocks(path, {"at": "timestamp"}))).fields["at"].numbers
    assert numbers is not None and numbers.low == 1_767_225_600.123456


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([0, 1], pa.timestamp("us", "UTC")), "timestamp"),
        (pa.array([0, 1], pa.timestamp("us")), "string"),
        (pa.array([0, 1], pa.date32()), "string"),
        (pa.array(["2026-01-02T00:00:00Z"] * 2), "timestamp"),
        (pa.array(["2026-01-02T00:00:00Z"] * 2).dictionary_encode(), "timestamp"),
        (pa.array(["2026-01-02 00:00:00Z"] * 2), "string"),
        (pa.array([1, 2]), "integer"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_time_of_a_table_is_one_by_the_contract_s_own_rule(array: pa.Array, kind: str, tmp_path: Path) -> None:
    """A time without a zone is none for the contract; where no contract asks, it is one."""
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"at": array}), path)
    assert summarize(describe(read_blocks(path, {"at": "timestamp"}))).fields["at"].type == kind
    assert (summarize(describe(read_blocks(path))).fields["at"].type == "timestamp") is (pa.types.is_temporal(array.type))


def test_names_are_counted_before_there_is_a_column_for_each() -> None:
    """Ten thousand messages with a field of their own each would be a hundred million values."""
    taken = 0

    def messages() -> Iterator[bytes]:
        nonlocal taken
        for taken in range(100_000):
            yield b'{"f%d": 1}' % taken

    with pytest.raises(DataError, match="more than 5,000 different fields"):
        list(blocks_of_messages(messages()))
    assert taken < 2 * source.ROWS


@pytest.mark.slow
def test_rows_that_share_few_fields_come_in_smaller_blocks() -> None:
    messages = [b'{"f%d": %d}' % (i % 4000, i) for i in range(2000)] + [b"rubbish"]
    blocks = list(blocks_of_messages(messages))
    assert (sum(block.rows for block in blocks), sum(block.unreadable for block in blocks)) == (2000, 1)
    assert len(blocks) > 1 and all(block.rows * len(block.columns) <= 2_000_000 for block in blocks)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read \(No such file"):
        list(read_blocks(tmp_path / "none.csv"))


def test_an_empty_table_has_fields_and_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n", encoding="utf-8")
    assert describe(read_blocks(path)).rows == 0
    assert source.ROWS == 20_000
