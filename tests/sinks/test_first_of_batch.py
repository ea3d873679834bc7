"""Rows of one batch against each other."""

from __future__ import annotations

from prediction_rows import row, rows

from streaming.sinks import CONFLICT, REPEAT, STANDS, first_of_batch


def test_different_events_stand() -> None:
    assert first_of_batch(rows(row("a"), row("b"))).tolist() == [STANDS, STANDS]


def test_the_first_row_of_a_key_stands_and_later_ones_are_repeats_or_conflicts() -> None:
    batch = rows(row("b"), row("a", body="x"), row("a", body="x"), row("a", body="y"))
    assert first_of_batch(batch).tolist() == [STANDS, STANDS, REPEAT, CONFLICT]


def test_the_same_id_at_another_time_is_another_event() -> None:
    assert first_of_batch(rows(row("a", body="x"), row("a", body="y", seconds=1))).tolist() == [STANDS, STANDS]


def test_no_rows() -> None:
    assert first_of_batch(rows()).tolist() == []
