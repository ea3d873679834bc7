"""The stores that the laws are tested over, each with its own way to read what a reader finds."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import happybase
import psycopg
import pytest
from psycopg.rows import dict_row

from streaming.config import load_settings
from streaming.records import PREDICTION
from streaming.settings import HBaseSettings
from streaming.sinks import Store
from streaming.sinks.hbase.sink import HBaseSink
from streaming.sinks.hbase.tables import migrate_hbase
from streaming.sinks.memory import MemorySink
from streaming.sinks.migrate import migrate
from streaming.sinks.postgres import PostgresSink

HISTORY = ("event_id", "entity_id", "role", "score", "source_partition", "source_offset", "plan_id")
CURRENT = ("deployment", "entity_id", "event_id", "score", "source_partition", "source_offset")


class RunningHBase(NamedTuple):
    """An embedded HBase of a test run. settings: of a namespace that nobody has used; a test may kill parts of it and start it again."""

    home: Path
    settings: HBaseSettings


class Kept(Protocol):
    """A store, and what a reader finds in it."""

    @property
    def sink(self) -> Store: ...
    def rows(self) -> list[dict[str, Any]]: ...
    def history(self) -> list[tuple[Any, ...]]: ...
    def current(self) -> list[tuple[Any, ...]]: ...


def values(found: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return sorted(tuple(entry[name] for name in names) for entry in found)


class Memory:
    def __init__(self) -> None:
        self.sink = MemorySink()

    def another(self) -> MemorySink:
        return self.sink

    def rows(self) -> list[dict[str, Any]]:
        return self.sink.history

    def history(self) -> list[tuple[Any, ...]]:
        return values(self.rows(), HISTORY)

    def current(self) -> list[tuple[Any, ...]]:
        return values(list(self.sink.current.values()), CURRENT)


class Postgres:
    def __init__(self, dsn: str) -> None:
        migrate(dsn)
        self.sink, self._dsn = PostgresSink(dsn), dsn

    def another(self) -> PostgresSink:
        return PostgresSink(self._dsn)

    def rows(self) -> list[dict[str, Any]]:
        """The history as rows of the type PREDICTION, in no order."""
        columns = ", ".join(_READ.get(name, name) for name in PREDICTION.names)
        return self._select(f"SELECT {columns} FROM prediction")

    def history(self) -> list[tuple[Any, ...]]:
        return values(self.rows(), HISTORY)

    def current(self) -> list[tuple[Any, ...]]:
        return values(self._select("SELECT * FROM current_prediction"), CURRENT)

    def _select(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self._dsn, row_factory=dict_row, options="-c timezone=UTC") as connection:
            return connection.execute(query.encode()).fetchall()


class HBase:
    def __init__(self, settings: HBaseSettings) -> None:
        migrate_hbase(settings)
        self.sink, self._settings = HBaseSink(settings), settings

    def another(self) -> HBaseSink:
        return HBaseSink(self._settings)

    def rows(self) -> list[dict[str, Any]]:
        """The history as rows of the type PREDICTION, in no order."""
        return self._scan("prediction")

    def history(self) -> list[tuple[Any, ...]]:
        return values(self.rows(), HISTORY)

    def current(self) -> list[tuple[Any, ...]]:
        return values(self._scan("current_prediction"), CURRENT)

    def _scan(self, table: str) -> list[dict[str, Any]]:
        host, _, port = self._settings.address.rpartition(":")
        with contextlib.closing(happybase.Connection(host, int(port))) as connection:
            cells = [cells for _, cells in connection.table(f"{self._settings.namespace}:{table}").scan()]
        records = [json.loads(value) for found in cells for value in found.values()]
        times: dict[str, Any] = dict.fromkeys(("event_time", "received_at", "scored_at"), datetime.fromisoformat)
        return [{name: times.get(name, lambda value: value)(record[name]) for name in PREDICTION.names} for record in records]


def kept(request: pytest.FixtureRequest, kind: str) -> Kept:
    """An empty store of this kind; what it needs is taken from the fixtures of the test that asks."""
    if kind == "memory":
        return Memory()
    if kind == "hbase":
        return HBase(request.getfixturevalue("hbase").settings)
    path: Path = request.getfixturevalue("settings_file")
    return Postgres(load_settings(path).store.dsn.get_secret_value())


_READ = {
    "prediction_id": "prediction_id::text",
    "payload_digest": "encode(payload_digest, 'hex') AS payload_digest",
    "scores": "scores::text",
    "explanation": "explanation::text",
}
