"""Statistics as a file and as records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from streaming.contracts.expectation_record import ExpectationsRecord
from streaming.contracts.statistics import DataError, describe, merge_statistics, read_blocks
from streaming.contracts.statistics.document import (
    CHUNK_BYTES,
    StatisticsRecord,
    document_of,
    encode_document,
    encode_record,
    read_document,
    records_of,
)
from streaming.contracts.statistics.field import merge_fields
from streaming.contracts.statistics.parse import block_of_rows
from streaming.metrics.records import decode, fault_of

AT = "2026-01-02T03:04:05.000000Z"
TELCO = document_of(describe(read_blocks(Path("examples/churn/telco_churn.csv")), slices=["contract"]), "telco", AT)


def validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(json.loads(Path(f"schemas/{name}/v1.json").read_text()), validate_formats=True)


def test_a_document_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_bytes(encode_document(TELCO))
    assert read_document(path) == TELCO


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"document": "other"}'])
def test_what_holds_no_statistics_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match="holds no statistics"):
        read_document(path)


def test_a_missing_and_a_later_document_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_document(tmp_path / "none.json")
    (tmp_path / "later.json").write_bytes(encode_document(msgspec.structs.replace(TELCO, version=2)))
    with pytest.raises(DataError, match="version 2; expected 1"):
        read_document(tmp_path / "later.json")


def test_records_hold_every_field_of_every_slice_once() -> None:
    records = list(records_of(TELCO))
    by_slice: dict[str, list[StatisticsRecord]] = {}
    for record in records:
        by_slice.setdefault(record.slice_value, []).append(record)
    assert {name: parts[0].rows for name, parts in by_slice.items()} == {
        "": 7043, "Month-to-month": 3875, "One year": 1473, "Two year": 1695,
    }  # fmt: skip
    for parts in by_slice.values():
        assert [name for part in parts for name in part.fields] == list(TELCO.summary.fields)
        assert [(part.chunk, part.chunks) for part in parts] == [(i, len(parts)) for i in range(len(parts))]
    assert len({record.id for record in records}) == len(records)
    assert records == list(records_of(TELCO)), "the same statistics have the same ids"
    assert records[0].correlation and not any(record.correlation for record in records[1:])


def test_records_fit_in_messages() -> None:
    wide = describe([block_of_rows([{f"f{i}": i * j / 7 for i in range(100)} for j in range(500)])])
    records = list(records_of(document_of(wide, "wide", AT)))
    assert len(records) > 1
    assert all(len(encode_record(record)) < CHUNK_BYTES + 600_000 for record in records)
    assert sum(len(record.fields) for record in records) == 100


def test_states_of_two_records_merge() -> None:
    (first, *_), (second, *_) = (list(records_of(TELCO)) for _ in range(2))
    merged = merge_fields([first.fields["tenure"].state, second.fields["tenure"].state])
    whole = merge_statistics([TELCO.state, TELCO.state]).fields["tenure"]
    assert merged.numbers is not None and whole.numbers is not None
    assert (merged.rows, merged.kinds, merged.numbers.moments) == (2 * 7043, whole.kinds, whole.numbers.moments)
    assert (merged.top, merged.distinct) == (whole.top, whole.distinct)


RECORDS: list[StatisticsRecord | ExpectationsRecord] = [
    *records_of(TELCO),
    *records_of(document_of(describe([block_of_rows([{"a": [1.5], "b": None, "c": True, "d": {}}])]), "odd", AT)),
    *records_of(document_of(describe([]), "empty", AT)),
    ExpectationsRecord("e", AT, "f", "s", 3, False, {"/a type": 1}, 5),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{type(record).__name__}-{record.source}")
def test_a_record_is_valid_by_its_schema_and_described_whole(record: StatisticsRecord | ExpectationsRecord) -> None:
    encoded = msgspec.json.encode(record)
    fields: dict[str, Any] = json.loads(encoded)
    name = fields["record"]
    assert [error.message for error in validator(name).iter_errors(fields)] == []
    document = json.loads(Path(f"schemas/{name}/v1.json").read_text())
    assert set(document["properties"]) == set(fields)
    assert not validator(name).is_valid(fields | {"version": 2})
    assert not validator(name).is_valid(fields | {"at": "yesterday"})
    assert msgspec.json.decode(encoded, type=type(record)) == record


@pytest.mark.parametrize("record", [RECORDS[0], RECORDS[-1]], ids=lambda record: type(record).__name__)
def test_readers_that_do_not_know_the_record_pass_it_over(record: StatisticsRecord | ExpectationsRecord) -> None:
    assert decode(msgspec.json.encode(record)) is None
    assert fault_of(msgspec.json.encode(record)) is None
