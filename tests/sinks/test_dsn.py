"""Connection strings: what is one, and that an error repeats nothing of what is not."""

from __future__ import annotations

import pytest

from streaming.errors import StoreError
from streaming.sinks.connection import connect
from streaming.sinks.dsn import words

CANARY = "hunter2canary"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgres//ann:{CANARY}@db/scoring",
        f"postgresql://ann:{CANARY}@{CANARY}@db/scoring",
        f"postgresql://ann:{CANARY}/{CANARY}@db/scoring",
        f"postgresql://ann:12/{CANARY}@db/scoring",
        f"postgresql://ann:{CANARY} x@db/scoring",
        f"postgresql://ann:{CANARY}%zz@db/scoring",
        f"postgresql://ann:x/?{CANARY}=1@db/scoring",
        f"password={CANARY} host",
        f"{CANARY}",
        f"host=db password='{CANARY}",
    ],
)
def test_a_password_that_makes_it_unreadable_is_not_repeated(dsn: str) -> None:
    for read in (words, connect):
        with pytest.raises(StoreError, match=r"store\.dsn is not a connection string; expected postgresql://.*percent-encoded") as told:
            read(dsn)
        shown = told.value
        assert CANARY not in str(shown)
        assert shown.__cause__ is None
        assert shown.__context__ is None or shown.__suppress_context__


@pytest.mark.parametrize(
    ("dsn", "host"),
    [
        ("postgresql://ann:p%40ss%2F@db:5432/scoring?sslmode=verify-full", "db"),
        ("host=a,b port=1,2 user=ann", "a,b"),
        ("postgresql://a:1,b:2/x", "a,b"),
        ("host=@socket dbname=x", "@socket"),
        ("host=/run/postgresql", "/run/postgresql"),
    ],
)
def test_what_libpq_reads_is_read(dsn: str, host: str) -> None:
    assert words(dsn)["host"] == host
