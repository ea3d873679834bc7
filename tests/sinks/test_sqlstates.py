"""Which errors of PostgreSQL are waited for, over every error that its client knows."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from streaming.errors import StoreError, Unavailable
from streaming.sinks.connection import judged
from streaming.sinks.postgres import busy

WAITED_FOR = ["08006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P03", "58030", "25006"]
NOT_WAITED_FOR = ["22021", "23502", "42P01", "42501", "42703", "54000", "0A000", "55000", "XX001", "25001"]


@pytest.mark.parametrize("sqlstate", WAITED_FOR)
def test_what_goes_away_is_waited_for(sqlstate: str) -> None:
    assert isinstance(judged(errors.lookup(sqlstate)("why\nDETAIL: more")), Unavailable)


@pytest.mark.parametrize("sqlstate", NOT_WAITED_FOR)
def test_what_stays_is_told(sqlstate: str) -> None:
    found = judged(errors.lookup(sqlstate)("why\nDETAIL: more"))
    assert isinstance(found, StoreError)
    assert str(found).startswith(f"PostgreSQL refused predictions ({sqlstate}): why")
    assert "DETAIL" not in str(found)


def test_an_error_without_a_code_is_waited_for_if_the_connection_broke() -> None:
    assert isinstance(judged(psycopg.OperationalError("server closed the connection unexpectedly")), Unavailable)
    assert isinstance(judged(psycopg.InterfaceError("the connection is closed")), Unavailable)
    assert isinstance(judged(psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")), StoreError)


BUSY = ["53100", "53200", "55P03", "57014"]
NOT_BUSY = ["57P01", "40P01", "55000", "42501"]


@pytest.mark.parametrize("sqlstate", [*BUSY, *NOT_BUSY])
def test_a_server_that_is_there_and_asks_for_less_is_no_outage(sqlstate: str) -> None:
    assert busy(errors.lookup(sqlstate)("why")) == (sqlstate in BUSY)
    assert not busy(psycopg.OperationalError("server closed the connection unexpectedly"))
