"""The tables in HBase: made once, split from the beginning, in a namespace for each environment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from streaming.errors import StoreError
from streaming.settings import HBaseSettings
from streaming.sinks.hbase.errors import judged_errors
from streaming.sinks.hbase.keys import split_keys
from streaming.sinks.hbase.thrift import thrift2, thrift2_client
from streaming.sinks.hbase.tls import connection

KEYS, HISTORY, CURRENT, ADDRESSES = "prediction_key", "prediction", "current_prediction", "prediction_address"
CELL = b"p:r"
"""Column of the record in the history and among the current rows."""
_DAY_S = 86_400


class Table(NamedTuple):
    """A table with one family. kept_s: how long its cells are kept, None for ever."""

    name: str
    family: str
    kept_s: int | None


def tables(settings: HBaseSettings) -> list[Table]:
    """What the store needs. Claims outlive the rows they are for by a day; current rows stay, whatever becomes of the history."""
    kept = settings.history_ttl_days * _DAY_S or None
    claims = kept and kept + _DAY_S
    return [Table(KEYS, "k", claims), Table(HISTORY, "p", kept), Table(CURRENT, "p", None), Table(ADDRESSES, "a", claims)]


def missing(settings: HBaseSettings) -> list[Table]:
    """The tables that are not there. Raises Unavailable, StoreError."""
    with judged_errors(settings.address):
        client = connection(settings)
        client.open()
        there = {name.decode() for name in client.tables()}
        client.close()
    return [table for table in tables(settings) if f"{settings.namespace}:{table.name}" not in there]


def check_hbase(settings: HBaseSettings) -> None:
    """Raise StoreError, naming what is missing, unless every table is there; Unavailable if HBase cannot be reached."""
    if absent := missing(settings):
        names = ", ".join(f"{settings.namespace}:{table.name}" for table in absent)
        raise StoreError(f"HBase at {settings.address} has no table {names}; make it with `scoring store migrate`")


def migrate_hbase(settings: HBaseSettings) -> list[str]:
    """Make the namespace and the tables that are not there; returns their names. What is there is left as it is.

    Raises Unavailable, and StoreError where no Thrift 2 server is named: then the message has the commands for HBase's own shell.
    """
    absent = missing(settings)
    if not absent:
        return []
    if not settings.thrift2_address:
        commands = "; ".join(shell_commands(settings, absent))
        raise StoreError(f"store.hbase.thrift2_address is empty, and Thrift 1 cannot make the tables; in `hbase shell`: {commands}")
    with thrift2_call(settings) as client:
        if settings.namespace not in client.listNamespaces():
            client.createNamespace(thrift2().TNamespaceDescriptor(name=settings.namespace, configuration={}))
    with ThreadPoolExecutor(len(absent)) as pool:  # a table takes about a second, mostly of waiting
        return list(pool.map(lambda table: _make(settings, table), absent))


def shell_commands(settings: HBaseSettings, absent: list[Table]) -> list[str]:
    r"""The same for HBase's own shell.

    >>> shell_commands(HBaseSettings(regions=2), [Table("prediction", "p", 60)])
    ["create_namespace 'scoring'", 'create \'scoring:prediction\', {NAME => \'p\', VERSIONS => 1, TTL => 60}, SPLITS => ["\\x80"]']
    """
    splits = ", ".join('"' + "".join(f"\\x{byte:02x}" for byte in key) + '"' for key in split_keys(settings.regions))
    made = []
    for table in absent:
        kept = f", TTL => {table.kept_s}" if table.kept_s else ""
        made.append(f"create '{settings.namespace}:{table.name}', {{NAME => '{table.family}', VERSIONS => 1{kept}}}, SPLITS => [{splits}]")
    return [f"create_namespace '{settings.namespace}'", *made]


def _make(settings: HBaseSettings, table: Table) -> str:
    idl = thrift2()
    name = idl.TTableName(ns=settings.namespace.encode(), qualifier=table.name.encode())
    family = idl.TColumnFamilyDescriptor(name=table.family.encode(), maxVersions=1, timeToLive=table.kept_s)
    with thrift2_call(settings) as client:
        client.createTable(idl.TTableDescriptor(tableName=name, columns=[family]), split_keys(settings.regions))
    return f"{settings.namespace}:{table.name}"


@contextmanager
def thrift2_call(settings: HBaseSettings) -> Iterator[Any]:
    """A client of the Thrift 2 server for the time of the block."""
    with judged_errors(settings.thrift2_address):
        client = thrift2_client(settings)
        try:
            yield client
        finally:
            client.close()
