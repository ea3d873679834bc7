"""The alerts topic as a book: what is open, silenced, acknowledged; records that come twice, or in another order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from drift_records import KEY, now

from streaming.drift.alert_book import AlertBook, tell
from streaming.metrics.records import Acknowledgement, Alert, Record, Silence

RAISED = Alert(
    "a", now(0), "raised", "input_drift", *KEY, "plan", "psi", 0.5, 0.2, now(0), now(0), now(5), 300, "plan has drifted"
)  # fmt: skip
RESOLVED = msgspec.structs.replace(RAISED, id="b", state="resolved", window_start=now(6), window_end=now(9))


def alert(**changes: Any) -> Alert:
    return msgspec.structs.replace(RAISED, **changes)


def silence(**changes: Any) -> Silence:
    asked = Silence("s", now(1), now(100), KEY.deployment, "plan", "", "", "me", "known")
    return msgspec.structs.replace(asked, **changes)


def book_of(*records: Record) -> AlertBook:
    book = AlertBook()
    for record in records:
        tell(book, record)
    return book


def test_what_is_raised_is_open_until_it_is_resolved_however_often_each_comes() -> None:
    assert list(book_of(RAISED, RAISED).open.values()) == [RAISED]
    book = book_of(RAISED, RESOLVED, RAISED, RESOLVED)
    assert (book.open, list(book.resolved)) == ({}, [RESOLVED])
    again = alert(id="c", window_start=now(10), window_end=now(12))
    assert list(book_of(RAISED, RESOLVED, again).open.values()) == [again]


def test_alerts_of_other_features_slices_and_versions_are_others() -> None:
    others = [alert(id="x", feature="other"), alert(id="y", slice="plan=a"), alert(id="z", model_version="4")]
    assert len(book_of(RAISED, *others, RESOLVED).open) == 3


@pytest.mark.parametrize(
    ("asked", "covered"),
    [
        (silence(), True),
        (silence(feature="", deployment=""), True),
        (silence(feature="other"), False),
        (silence(kind="output_drift"), False),
        (silence(kind="input_drift"), True),
        (silence(slice="plan=a"), False),
        (silence(until=now(2)), False),
    ],
)
def test_a_silence_covers_what_it_names_until_its_end(asked: Silence, covered: bool) -> None:
    assert (book_of(asked).silence_of(RAISED, now(50)) is not None) is covered


def test_the_last_silence_of_a_thing_stands_and_one_without_length_ends_it() -> None:
    ended = silence(id="t", at=now(3), until=now(3))
    assert book_of(silence(), ended).silence_of(RAISED, now(4)) is None
    assert book_of(ended, silence()).silence_of(RAISED, now(4)) is None


def test_an_acknowledgement_names_its_alert_and_closes_a_new_reason() -> None:
    seen = Acknowledgement("k", now(1), KEY.deployment, "a", "me", "on it")
    book = book_of(RAISED, seen)
    assert book.acknowledgement_of(RAISED) == seen
    assert list(book.open.values()) == [RAISED]
    assert book_of(alert(kind="new_reason"), seen).open == {}


def test_the_book_does_not_grow_with_what_is_over() -> None:
    book = AlertBook()
    for number in range(300):
        tell(book, alert(id=f"a{number}", window_end=now(10 * number)))
        tell(book, msgspec.structs.replace(RESOLVED, id=f"b{number}", window_end=now(10 * number + 5)))
    assert (len(book.open), len(book.resolved)) == (0, 100)
