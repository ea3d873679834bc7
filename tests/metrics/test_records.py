"""What is on the metrics topic and is no record of ours is passed over, whatever it is; what is a broken one of ours can be told."""

from __future__ import annotations

import msgspec
import pytest
from drift_records import batch, reference

from streaming.metrics.records import Metrics, Record, Reference, decode, encode, fault_of

ADDED = {"rejected_by_producer", "rejected_by_schema_version", "replayed"}
DEEP = b'{"record":"metrics","x":' + b"[" * 5000 + b"]" * 5000 + b"}"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (b"null", "Expected `object`"),
        (b"[]", "Expected `object`"),
        (b"\xff", "malformed"),
        (b'{"record":"metrics"}', "required field"),
        (b'{"record":"drift","version":"1"}', "$.version"),
        (b'{"id":"q/0/0"}', "`record`"),
        (b'{"record":"metrics","id":"\\ud800"}', ""),
        (b'{"record":"metrics","id":"\xed\xa0\x80"}', "codec"),
        (DEEP, "recursion"),
    ],
    ids=["empty", "null", "list", "encoding", "lacks fields", "version", "no kind", "surrogate", "surrogate in UTF-8", "nested 5,000 deep"],
)
def test_what_is_no_record_is_passed_over_for_a_reason(value: bytes, reason: str) -> None:
    assert decode(value) is None
    told = fault_of(value)
    assert told is not None
    assert reason in told
    assert len(told) <= 200


@pytest.mark.parametrize(
    "value",
    [b'{"record":"other"}', b'{"record":"metrics","version":9}', encode(reference()).replace(b'"version":3}', b'"version":7}')],
    ids=["unknown kind", "later version", "later version that would fit"],
)
def test_what_a_later_release_wrote_is_passed_over_and_is_no_fault(value: bytes) -> None:
    assert decode(value) is None
    assert fault_of(value) is None


@pytest.mark.parametrize("record", [batch(0), reference()], ids=["metrics", "reference"])
def test_a_record_survives_its_bytes(record: Record) -> None:
    assert decode(encode(record)) == record
    assert fault_of(encode(record)) is None


def test_a_record_of_version_1_is_read_as_it_was_written() -> None:
    fields = {name: value for name, value in msgspec.json.decode(encode(batch(0))).items() if name not in ADDED}
    read = decode(msgspec.json.encode(fields | {"version": 1}))
    assert isinstance(read, Metrics)
    assert (read.version, read.rejected_by_producer, read.rejected_by_schema_version, read.replayed) == (1, {}, {}, {})
    assert read.events == batch(0).events


def test_a_reference_of_version_1_has_no_thresholds_of_its_own() -> None:
    fields = {name: value for name, value in msgspec.json.decode(encode(reference())).items() if name != "thresholds"}
    read = decode(msgspec.json.encode(fields | {"version": 1}))
    assert isinstance(read, Reference)
    assert (read.version, read.thresholds) == (1, {})
