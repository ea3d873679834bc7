"""Answers "no such id" are believed for a while, and not without bound."""

from __future__ import annotations

import time

from streaming.micro_batch.unknown_ids import UnknownIds


def test_an_answer_is_believed_for_as_long_as_it_is_said() -> None:
    ids = UnknownIds(1)
    ids.add(["9", "5"])
    assert ids.now() == ("5", "9")
    time.sleep(0.6)
    ids.add(["9"])
    time.sleep(0.6)
    assert ids.now() == ("9",), "asked again, it is believed anew"
    time.sleep(1.1)
    assert ids.now() == ()


def test_a_flood_of_ids_keeps_the_newest() -> None:
    ids = UnknownIds(60)
    ids.add(str(n) for n in range(12_000))
    found = set(map(int, ids.now()))
    assert found == set(range(2_000, 12_000))
