"""Like with like, in the words of a person."""

from __future__ import annotations

from rejections import a_rejection

from streaming.replay.groups import counts, grouped


def test_one_cause_is_one_line() -> None:
    (group,) = grouped([a_rejection(n) for n in range(4112)], {("events", 0, 7)})
    assert group.line == (
        '4,112 events: /contract: enum ["One year", "Two year"], found "Monthly"; since 2026-01-02 12:00 UTC, '
        "from producer crm-3, 1 of them mended"
    )
    assert group.until == "2026-01-05T08:31:00.000000Z"
    assert group.example == "events/0/0"


def test_producer_version_reason_and_place_are_kept_apart_and_the_largest_is_first() -> None:
    changes = [{"producer": "web"}, {"schema_version": "2"}, {"reason": "type"}, {"path": "/tenure"}]
    groups = grouped([*(a_rejection(n, **change) for n, change in enumerate(changes)), a_rejection(8), a_rejection(9)])
    assert [group.events for group in groups] == [2, 1, 1, 1, 1]


def test_places_in_a_list_are_one_place() -> None:
    (group,) = grouped([a_rejection(n, path=f"/items/{n}/price/{n}") for n in range(3)])
    assert group.path == "/items/*/price/*"


def test_the_commonest_values_are_shown_and_their_number_is_bounded() -> None:
    values = [0] * 5 + [1] * 3 + [2] * 2 + list(range(3, 500))
    (group,) = grouped(a_rejection(n, message=f"/tenure: minimum 1, found {value} (2 more)") for n, value in enumerate(values))
    assert "minimum 1, found 0 or 1 or 2 or others; since" in group.line
    assert len(group.found) == 100
    assert group.events == len(values)


def test_a_time_that_no_date_holds_is_shown_as_it_is() -> None:
    (group,) = grouped([a_rejection(received_ms=2**62)])
    assert f"since {2**62} ms" in group.line


def test_counts_of_each_kind_add_up() -> None:
    tables = counts([a_rejection(0), a_rejection(1, producer="web", attempt=2), a_rejection(2)])
    assert tables["producer"] == {"crm-3": 2, "web": 1}
    assert tables["attempt"] == {"1": 2, "2": 1}
    assert {sum(table.values()) for table in tables.values()} == {3}
