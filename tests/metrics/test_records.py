"""What is on the metrics topic and is no record of ours is passed over, whatever it is."""

from __future__ import annotations

import pytest

from streaming.metrics.records import decode


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b'{"record":"metrics"}',
        b'{"record":"other"}',
        b'{"record":"metrics","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=["empty", "null", "list", "encoding", "lacks fields", "unknown", "nested 5,000 deep"],
)
def test_what_is_no_record_is_passed_over(value: bytes) -> None:
    assert decode(value) is None
