from __future__ import annotations

from streaming.local.ledger import Entry, digest
from streaming.local.reconcile import Reconciliation, Rejected, Served, reconcile
from streaming.local.traffic import Expected

TIME = "2026-01-31 00:00:00+00"


def entry(offset: int, event_id: str, kind: str = "good", expected: Expected = "scored", value: bytes | None = b"x") -> Entry:
    return Entry(event_id, "C1", kind, expected, "t", 0, offset, digest(value), "2026-01-31T00:00:00Z")


def served(offset: int, event_id: str, value: bytes = b"x", prediction: str = "p") -> Served:
    return Served(f"{prediction}{offset}", (event_id, TIME), ("t", 0, offset), digest(value) or "")


def rejected(offset: int, reason: str = "json", value: bytes | None = b"x") -> Rejected:
    return Rejected(("t", 0, offset), reason, digest(value))


def names(found: Reconciliation) -> dict[str, int]:
    return {name: len(ids) for name, ids in found.differences.items() if ids}


def test_one_outcome_each_holds() -> None:
    ledger = [entry(0, "a"), entry(1, "a", "repeat", "repeat"), entry(2, "b", "null_value", "rejected", None)]
    found = reconcile(ledger, [served(0, "a")], [rejected(2, "null_value", None)])
    assert found.holds
    assert (found.acknowledged, found.predicted, found.rejected, found.repeated) == (3, 1, 1, 1)
    assert found.rejected_by_reason == {"null_value": 1}


def test_a_rejection_told_twice_counts_once() -> None:
    found = reconcile([entry(0, "a", "json", "rejected")], [], [rejected(0), rejected(0)])
    assert found.holds
    assert found.rejected == 1


def test_no_outcome_is_lost() -> None:
    found = reconcile([entry(0, "a"), entry(1, "b")], [served(0, "a")], [])
    assert names(found) == {"lost": 1}
    assert found.lost == ["b (good) at t/0/1"]


def test_the_same_bytes_of_an_event_never_served_are_lost() -> None:
    assert names(reconcile([entry(0, "a"), entry(1, "a", "repeat", "repeat")], [], [])) == {"lost": 2}


def test_other_bytes_of_a_served_event_are_no_repeat() -> None:
    found = reconcile([entry(0, "a"), entry(1, "a", "conflict", "rejected", b"y")], [served(0, "a")], [])
    assert names(found) == {"lost": 1}


def test_two_predictions_of_one_event_are_doubled() -> None:
    ledger = [entry(0, "a"), entry(1, "a", "repeat", "repeat")]
    assert names(reconcile(ledger, [served(0, "a"), served(1, "a")], [])) == {"doubled": 1}


def test_two_predictions_of_one_address_are_doubled() -> None:
    assert names(reconcile([entry(0, "a")], [served(0, "a"), served(0, "b", prediction="q")], [])) == {"doubled": 1}


def test_a_prediction_supersedes_a_rejection_and_its_bytes_may_be_mapped() -> None:
    found = reconcile([entry(0, "a", "negative_tenure", "rejected")], [served(0, "a", b"mapped")], [rejected(0)])
    assert found.holds
    assert (found.predicted, found.rejected, found.mended, found.rejected_by_reason) == (1, 0, 1, {})


def test_other_bytes_are_altered() -> None:
    assert names(reconcile([entry(0, "a")], [served(0, "a", b"y")], [])) == {"altered": 1}
    assert names(reconcile([entry(0, "a", "json", "rejected")], [], [rejected(0, value=None)])) == {"altered": 1}


def test_a_broken_event_scored_and_a_good_one_rejected_are_misjudged() -> None:
    assert names(reconcile([entry(0, "a", "negative_tenure", "rejected")], [served(0, "a")], [])) == {"misjudged": 1}
    assert names(reconcile([entry(0, "a")], [], [rejected(0)])) == {"misjudged": 1}


def test_an_outcome_of_nothing_sent_is_unknown() -> None:
    assert names(reconcile([], [served(7, "a")], [rejected(8)])) == {"unknown": 2}
