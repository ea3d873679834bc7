from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rejections import a_rejection

from streaming.errors import ConfigError
from streaming.replay.selection import Selection, moment_ms

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
AT_MS = 1_767_355_200_000


@pytest.mark.parametrize(
    ("selection", "meant"),
    [({}, True), ({"reason": "enum"}, True), ({"reason": "type"}, False), ({"path": "/tenure"}, False), ({"schema_version": "2"}, False),
     ({"producer": "crm-3", "path": "/contract"}, True), ({"producer": "web"}, False), ({"since_ms": AT_MS}, True),
     ({"since_ms": AT_MS + 1}, False), ({"until_ms": AT_MS}, False), ({"until_ms": AT_MS + 1}, True)],
    ids=str,
)  # fmt: skip
def test_all_that_is_asked_must_hold(selection: dict[str, Any], meant: bool) -> None:
    assert Selection(**selection).has(a_rejection()) is meant


@pytest.mark.parametrize("text", ["2026-01-02T12:00:00Z", "2026-01-02T12:00:00", "2026-01-02T13:00:00+01:00", "0s"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert moment_ms(text, NOW) == AT_MS


@pytest.mark.parametrize("text", ["yesterday", "5x", "", "-1h"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time; expected"):
        moment_ms(text, NOW)


def test_the_last_attempt_says_why_and_the_first_says_where() -> None:
    first, last = a_rejection(3), a_rejection(3, attempt=2, place=(0, 99), received_ms=1, reason="minimum")
    for found in (first.again(last), last.again(first)):
        assert (found.reason, found.attempt, found.place, found.received_ms) == ("minimum", 2, (1, 3), first.received_ms)
    assert first.again(first) == first
