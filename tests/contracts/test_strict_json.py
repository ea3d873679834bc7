"""The short cuts to what `parse` says of bytes that are no JSON say the same, or nothing."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from contract_versions import version

from streaming.contracts.strict_json import MAX_DEPTH, broken, cut, parse

EVENT = json.dumps({"at": "2026-01-01T00:00:00.5Z", "who": "w", "n": -1.5e3, "flag": True, "none": None}).encode()
PREFIXES = [EVENT[:length] for length in range(len(EVENT))]
BAD = [
    b"",
    b" ",
    b"\xef\xbb\xbf{}",
    b'{"a": "\xff',
    b'{"a": "\xc3',
    b'{"a": "\x01b',
    b'{"a": "b\x7f',
    b'{"a": "\\"b',
    b'{"a": "\\',
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": 01}',
    b"[" * (MAX_DEPTH + 1),
    b"9" * 5000 + b"x",
    '{"a": "é'.encode(),
]


@pytest.mark.parametrize("value", [*PREFIXES, *BAD])
def test_short_cuts_say_what_the_parser_says(value: bytes) -> None:
    told = parse(value)[1]
    assert told != []
    assert cut(value) in ([], told)
    assert broken(value) in ([], told)


def test_short_cuts_are_taken() -> None:
    assert sum(bool(cut(value)) for value in PREFIXES) > len(PREFIXES) / 2
    assert all(map(broken, PREFIXES))
    assert broken(EVENT) == []


def test_events_cut_anywhere_are_told_alike_by_both_paths() -> None:
    contract = version(1, {"n": {"type": "number"}, "flag": {"type": "boolean"}, "none": {"type": ["string", "null"]}}, ("n", "flag"))
    decoded = contract.decode(pa.array([EVENT, *PREFIXES], pa.binary()))
    assert decoded.places.tolist() == [0]
    assert list(decoded.rejected.values()) == [contract.exact.decode_whole(value)[1] for value in PREFIXES]
