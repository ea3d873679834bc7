"""Parts of the tests of labels: a store with tables, predictions in it, and labels of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from label_rows import Write
from prediction_rows import rows

from streaming.sinks.migrate import migrate
from streaming.sinks.postgres import PostgresSink
from streaming.truth.declared import Truth

TABLES = (
    "prediction, current_prediction, label, label_waiting, prediction_label, label_count, label_refused, label_offset, "
    "quality_window, quality"
)


@pytest.fixture(scope="module")
def tables(services: Any) -> str:
    """A database with our tables, for all tests of a file: making them takes longer than most of these."""
    made = str(services.create_database())
    migrate(made)
    return made


@pytest.fixture
def dsn(tables: str) -> str:
    with psycopg.connect(tables, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLES}".encode())
    return tables


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as opened:
        yield opened


@pytest.fixture
def write(dsn: str) -> Write:
    """Writes predictions as the stream does; returns them."""

    def written(*entries: dict[str, Any]) -> list[dict[str, Any]]:
        sink = PostgresSink(dsn)
        sink.write(rows(*entries))
        sink.close()
        return list(entries)

    return written


@pytest.fixture
def truth() -> Truth:
    return Truth(horizon=timedelta(days=30), window=timedelta(hours=1), grace=timedelta(days=7))
