"""Labels and predictions in a real PostgreSQL: early, late, duplicated, corrected, contradictory, partial, unmatched."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from label_rows import Write, after, label, predictions
from prediction_rows import NOON, row

from streaming.truth import windows
from streaming.truth.declared import Truth
from streaming.truth.label_log import AnotherJob, Refused, Step, advance, look_again, read_up_to, refuse, take

pytestmark = pytest.mark.integration


def current(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    query = "SELECT label_id, number, corrected, contradicted, partial, acted FROM prediction_label ORDER BY event_time"
    return connection.execute(query).fetchall()


def counts(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT verdict, sum(labels)::int FROM label_count GROUP BY verdict").fetchall())


def test_a_label_finds_its_prediction_by_id(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*predictions(3))
    counted = take(connection, "risk", truth, [label("a", 1.0, of=made[1]["prediction_id"])])
    assert +counted == Counter(matched=1)
    assert connection.execute("SELECT prediction_id::text FROM prediction_label").fetchall() == [(made[1]["prediction_id"],)]


def test_a_label_of_an_entity_finds_its_newest_prediction_within_the_horizon(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    day = 86_400
    entries = [row(f"e{n}", entity="c1", seconds=n * day, offset=n) for n in (0, 10, 20)]
    write(*entries, row("other", entity="c1", seconds=15 * day, offset=50, deployment="else"))
    asked = {"before all": -1, "first": 5, "second": 20 - 1, "at the third": 20, "far behind": 51}
    found = {}
    for number, (name, days) in enumerate(asked.items()):
        take(
            connection,
            "risk",
            truth,
            [label(name, 1.0, entity="c1", outcome_at=after(days=days), observed_at=after(days=60, hours=number))],
        )
        held = connection.execute("SELECT event_time FROM prediction_label WHERE label_id = %s", (name,)).fetchone()
        found[name] = None if held is None else (held[0] - NOON).days
    assert found == {"before all": None, "first": 0, "second": 10, "at the third": 20, "far behind": None}


def test_an_early_label_waits_and_is_matched_when_its_prediction_is_there(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    entries = predictions(1)
    early = label("a", 1.0, of=entries[0]["prediction_id"])
    assert take(connection, "risk", truth, [early])["early"] == 1
    assert look_again(connection, "risk", truth)["looked"] == 1
    write(*entries)
    connection.execute("UPDATE label_waiting SET next_look = now()")
    assert look_again(connection, "risk", truth)["matched"] == 1
    assert [held[0] for held in current(connection)] == ["a"]
    assert connection.execute("SELECT count(*) FROM label_waiting").fetchone() == (0,)
    assert counts(connection) == {"early": 1, "matched": 1}


def test_a_label_that_waits_is_looked_for_less_often_with_its_age(connection: psycopg.Connection, truth: Truth) -> None:
    take(connection, "risk", truth, [label("a", 1.0, entity="nobody")])
    connection.execute("UPDATE label_waiting SET since = now() - interval '10 hours', next_look = now()")
    look_again(connection, "risk", truth)
    assert look_again(connection, "risk", truth)["looked"] == 0
    pause = connection.execute("SELECT extract(epoch FROM next_look - now()) FROM label_waiting").fetchone()
    assert pause is not None
    assert 3500 < float(pause[0]) < 3700


def test_an_unmatched_label_is_counted_once_after_its_grace(connection: psycopg.Connection, truth: Truth) -> None:
    take(connection, "risk", truth, [label("a", 1.0, entity="nobody")])
    assert look_again(connection, "risk", truth)["unmatched"] == 0
    connection.execute("UPDATE label_waiting SET since = now() - interval '8 days'")
    assert [look_again(connection, "risk", truth)["unmatched"] for _ in range(2)] == [1, 0]
    assert counts(connection) == {"early": 1, "unmatched": 1}


def test_the_same_label_again_changes_nothing(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*predictions(1))
    one = label("a", 1.0, of=made[0]["prediction_id"])
    assert +take(connection, "risk", truth, [one, one]) == Counter(matched=1, duplicated=1)
    assert +take(connection, "risk", truth, [one]) == Counter(duplicated=1)
    assert current(connection) == [("a", 1.0, 0, False, False, None)]


def test_a_label_observed_later_corrects_and_one_observed_earlier_does_not(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    key = write(*predictions(1))[0]["prediction_id"]
    take(connection, "risk", truth, [label("first", 1.0, of=key, acted=True)])
    counted = take(connection, "risk", truth, [label("newer", 0.0, of=key, observed_at=after(days=9)), label("older", 1.0, of=key)])
    assert +counted == Counter(corrected=1, outdated=1)
    assert current(connection) == [("newer", 0.0, 1, False, False, True)]


def test_contradictory_labels_are_counted_and_flagged_and_the_first_stands(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    key = write(*predictions(1))[0]["prediction_id"]
    counted = take(connection, "risk", truth, [label("yes", 1.0, of=key), label("no", 0.0, of=key), label("again", 1.0, of=key)])
    assert +counted == Counter(matched=1, contradictory=1, repeated=1)
    assert current(connection) == [("yes", 1.0, 0, True, False, None)]
    take(connection, "risk", truth, [label("settled", 0.0, of=key, observed_at=after(days=5))])
    assert current(connection) == [("settled", 0.0, 1, False, False, None)]


def test_a_partial_label_waits_for_a_final_one_whenever_that_was_observed(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    key = write(*predictions(1))[0]["prediction_id"]
    counted = take(connection, "risk", truth, [label("so far", 0.0, of=key, partial=True, observed_at=after(days=9))])
    assert +counted == Counter(matched=1, partial=1)
    assert take(connection, "risk", truth, [label("final", 1.0, of=key)])["completed"] == 1
    late = label("so far again", 0.0, of=key, partial=True, observed_at=after(days=20))
    assert take(connection, "risk", truth, [late])["outdated"] == 1
    assert current(connection) == [("final", 1.0, 0, False, False, None)]


def test_a_label_behind_its_windows_figures_is_late_and_touches_the_window(
    connection: psycopg.Connection, write: Write, truth: Truth
) -> None:
    made = write(*predictions(2))
    assert take(connection, "risk", truth, [label("a", 1.0, of=made[0]["prediction_id"])])["late"] == 0
    (stale,) = windows.stale(connection, "risk", most=9)
    assert (stale.window.start, stale.revision) == (NOON, 0)
    assert windows.computed(connection, "risk", stale)
    assert windows.stale(connection, "risk", most=9) == []
    assert take(connection, "risk", truth, [label("b", 1.0, of=made[1]["prediction_id"])])["late"] == 1
    assert [one.revision for one in windows.stale(connection, "risk", most=9)] == [1]
    assert not windows.computed(connection, "risk", stale), "another has computed it meanwhile"


def test_a_shadows_id_leads_to_its_events_label(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    served = row("e0")
    shadow = row("e0", role="shadow", variant="next", prediction_id="00000000-0000-0000-0000-00000000000a")
    write(served, shadow)
    take(connection, "risk", truth, [label("a", 1.0, of=shadow["prediction_id"]), label("b", 1.0, of=served["prediction_id"])])
    assert counts(connection) == {"matched": 1, "repeated": 1}
    assert len(current(connection)) == 1


def test_labels_of_two_deployments_do_not_meet(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(row("e0"))
    counted = take(connection, "other", truth, [label("a", 1.0, of=made[0]["prediction_id"], deployment="other")])
    assert counted["early"] == 1


def _both(connection: psycopg.Connection, truth: Truth, stood: dict[int, int]) -> None:
    with connection.transaction():
        take(connection, "risk", truth, [label("a", 1.0, entity="c")])
        advance(connection, "t", "risk", {0: Step(5, 9)}, stood)


def test_the_place_in_the_topic_moves_with_the_labels_or_not_at_all(connection: psycopg.Connection, truth: Truth) -> None:
    advance(connection, "t", "risk", {0: Step(0, 5), 1: Step(7, 8)}, {})
    stood = read_up_to(connection, "t", "risk")
    assert stood == {0: 5, 1: 8}
    advance(connection, "t", "risk", {0: Step(5, 9)}, stood)
    with pytest.raises(AnotherJob, match="partition 0: another job has read on"):
        _both(connection, truth, stood)
    with pytest.raises(AnotherJob), connection.transaction():
        advance(connection, "t", "risk", {0: Step(0, 3)}, {})
    assert read_up_to(connection, "t", "risk") == {0: 9, 1: 8}
    assert connection.execute("SELECT count(*) FROM label").fetchone() == (0,)


def test_what_is_no_label_is_kept_with_its_reason(connection: psycopg.Connection) -> None:
    bad = Refused("t", 0, 3, "not a label: …", b"\xff{")
    assert [refuse(connection, "risk", [bad]), refuse(connection, "risk", [])] == [1, 0]
    assert connection.execute("SELECT place, reason, value FROM label_refused").fetchall() == [(3, "not a label: …", b"\xff{")]
    assert counts(connection) == {"refused": 1}


def test_windows_ripen_when_their_labels_should_have_come(connection: psycopg.Connection, write: Write) -> None:
    hour = timedelta(hours=1)
    write(row("a", seconds=10, offset=1), row("b", seconds=2 * 3600, offset=2), row("c", seconds=5 * 3600, offset=3))
    due = timedelta(days=30)
    assert windows.ripen(connection, "risk", hour, due, after(days=30)) == 0
    assert windows.ripen(connection, "risk", hour, due, after(days=30, hours=3)) == 2
    assert windows.ripen(connection, "risk", hour, due, after(days=30, hours=3)) == 0
    assert windows.ripen(connection, "risk", hour, due, after(days=31)) == 1
    assert [(one.window.start - NOON) / hour for one in windows.stale(connection, "risk", most=9)] == [0, 2, 5]
