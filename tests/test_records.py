"""Times and column names of our records."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.records import ENVELOPE, PREDICTION, RAW, REJECTED, SCORED, event_column, rfc3339

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "0999-12-31T23:59:59.999999Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "1969-12-31T23:59:59.000001Z"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T23:00:00.000000Z"),
        (datetime(2026, 1, 1, tzinfo=timezone(-timedelta(hours=9, minutes=30))), "2026-01-01T09:30:00.000000Z"),
    ],
)
def test_times_are_utc_with_six_digits(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_from_its_text(moment: datetime) -> None:
    assert RFC_3339.fullmatch(rfc3339(moment))
    assert datetime.fromisoformat(rfc3339(moment)) == moment


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_texts_sort_as_the_times_do(one: datetime, other: datetime) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


def test_a_prediction_is_what_the_steps_know_of_an_event() -> None:
    on_demand = {"scores", "explanation"}
    assert set(PREDICTION.names) - on_demand <= {*ENVELOPE.names, *SCORED.names}
    assert set(SCORED.names) <= set(PREDICTION.names)
    assert all(PREDICTION.field(f.name).type == f.type for f in [*ENVELOPE, *SCORED] if f.name in PREDICTION.names)


def test_a_rejection_keeps_the_whole_event() -> None:
    assert REJECTED.names[: len(RAW)] == RAW.names


def test_a_field_cannot_hide_a_column_of_ours() -> None:
    assert event_column("score") not in {*ENVELOPE.names, *SCORED.names}
