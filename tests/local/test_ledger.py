from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.local.ledger import Ledger, read_ledger
from streaming.local.traffic import Sending

VALUE = b'{"tenure":1}'


def test_an_entry_tells_what_was_acknowledged_and_where(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.expect(Sending("id-1", "C1", "good", "scored", VALUE, 0))
        ledger.delivered(b"C1", VALUE, "activity", 2, 41, 1_769_817_600_000)
    (entry,) = read_ledger(path)
    assert entry.address == ("activity", 2, 41)
    assert (entry.event_id, entry.customer, entry.kind, entry.expected) == ("id-1", "C1", "good", "scored")
    assert entry.sha256 == sha256(VALUE).hexdigest()
    assert entry.produced == "2026-01-31T00:00:00.000000Z"


def test_repeats_are_told_in_the_order_they_were_sent(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.expect(Sending("id-1", "C1", "good", "scored", VALUE, 0))
        ledger.expect(Sending("id-1", "C1", "repeat", "repeat", VALUE, 1))
        ledger.delivered(b"C1", VALUE, "activity", 0, 0, 0)
        ledger.delivered(b"C1", VALUE, "activity", 0, 1, 1)
        assert ledger.acknowledged == 2
    assert [entry.kind for entry in read_ledger(path)] == ["good", "repeat"]


def test_entries_are_on_disk_before_the_ledger_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.expect(Sending("id-1", "C1", "null_value", "rejected", None, 0))
        ledger.delivered(b"C1", None, "activity", 0, 0, 0)
        (entry,) = read_ledger(path)
    assert entry.sha256 is None


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event_id":"a')
    assert read_ledger(path) == []


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("{}\n")
    with pytest.raises(ConfigError, match="not a ledger"):
        read_ledger(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_ledger(tmp_path / "none")
