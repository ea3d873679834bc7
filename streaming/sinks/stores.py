"""The stores of a configuration, by kind: opened, made, checked and kept."""

from __future__ import annotations

import threading

from streaming.settings import Store as StoreSettings
from streaming.settings import StoreKind
from streaming.sinks import Store
from streaming.sinks.hbase.sink import HBaseSink
from streaming.sinks.hbase.tables import check_hbase, migrate_hbase
from streaming.sinks.migrate import check_tables, migrate
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.upkeep import keep_months


def open_store(settings: StoreSettings, kind: StoreKind) -> Store:
    """The store of this kind; it connects when it first writes."""
    if kind == "hbase":
        return HBaseSink(settings.hbase)
    return PostgresSink(_dsn(settings), statement_timeout_s=settings.statement_timeout_s)


def migrate_stores(settings: StoreSettings) -> list[str]:
    """Bring the tables of every store in use to this release. Returns what was applied. Raises Unavailable, StoreError."""
    made = migrate(_dsn(settings)) if "postgres" in settings.kinds else []
    return made + (migrate_hbase(settings.hbase) if "hbase" in settings.kinds else [])


def check_stores(settings: StoreSettings) -> None:
    """Raise StoreError, naming what is missing, unless every store has its tables; Unavailable if one cannot be reached."""
    if "postgres" in settings.kinds:
        check_tables(_dsn(settings))
    if "hbase" in settings.kinds:
        check_hbase(settings.hbase)


def keep_stores(settings: StoreSettings, stop: threading.Event) -> None:
    """Look after the stores from a thread of their own until `stop` is set: partitions ahead of the rows."""
    if "postgres" in settings.kinds:
        keep_months(_dsn(settings), stop, retention_months=settings.retention_months)


def _dsn(settings: StoreSettings) -> str:
    return settings.dsn.get_secret_value()
