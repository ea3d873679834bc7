"""The few calls that the store makes to HBase, in requests of bounded rows and bytes, side by side over its connections.

Thrift 1 (happybase) reads and writes rows. Thrift 2, where there is one, makes tables and takes rows with a timestamp for each, which
Thrift 1 takes only one row at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import thriftpy2
from happybase.batch import BatchMutation, Mutation
from thriftpy2.rpc import make_client

from streaming.settings import HBaseSettings
from streaming.sinks.hbase.keys import chunks
from streaming.sinks.hbase.pool import ThriftPool
from streaming.sinks.hbase.tls import connection, tls_context

_IDL = Path(__file__).with_name("thrift2.thrift")


class Put(NamedTuple):
    """A cell to write. column: family:qualifier; time: its timestamp."""

    row: bytes
    column: bytes
    value: bytes
    time: int = 0


Cells = dict[bytes, tuple[bytes, int]]
"""column → value and timestamp"""


Pending = list[Future[None]]
"""Calls on their way"""


class HBaseClient:
    """Reads and writes rows of one namespace. Every call raises as `hbase_errors.judged_errors` tells; a repeated one is harmless."""

    def __init__(self, settings: HBaseSettings) -> None:
        self._settings = settings
        self._one = ThriftPool(settings.address, lambda: _opened(settings), size=settings.connections)
        self._two = ThriftPool(settings.thrift2_address, lambda: thrift2_client(settings), size=settings.connections)
        self._side = ThreadPoolExecutor(settings.connections, thread_name_prefix="hbase")

    def rows(self, table: str, keys: Sequence[bytes]) -> dict[bytes, Cells]:
        """The rows that are there, the newest version of each cell."""
        parts = chunks([len(key) for key in keys], self._settings.batch_rows, self._settings.batch_bytes)
        found = self._side.map(self._get, repeat(table), [keys[part] for part in parts])
        return {row.row: {column: (cell.value, cell.timestamp) for column, cell in row.columns.items()} for rows in found for row in rows}

    def put(self, table: str, puts: Sequence[Put]) -> Pending:
        """Write cells with the server's time. They are there once the calls that are returned are finished."""
        return self._mutate(table, puts, [BatchMutation(row=p.row, mutations=[Mutation(column=p.column, value=p.value)]) for p in puts])

    def delete(self, table: str, puts: Sequence[Put]) -> Pending:
        """Delete cells, in every version; their values are not looked at."""
        return self._mutate(table, puts, [BatchMutation(row=p.row, mutations=[Mutation(isDelete=True, column=p.column)]) for p in puts])

    def put_at(self, table: str, puts: Sequence[Put]) -> Pending:
        """Write cells at their own timestamps: batch by batch through Thrift 2 where there is one, else one by one."""
        call = self._put_timed if self._settings.thrift2_address else self._put_each
        return [self._side.submit(call, table, puts[part]) for part in self._parts(puts)]

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._one.close()
        self._two.close()

    def _get(self, table: str, keys: Sequence[bytes]) -> list[Any]:
        with self._one.client() as client:
            return list(client.client.getRows(self._name(table), keys, {}))

    def _put_timed(self, table: str, puts: Sequence[Put]) -> None:
        requests = [thrift2().TPut(row=put.row, columnValues=[_column_value(put)]) for put in puts]
        with self._two.client() as client:
            client.putMultiple(self._name(table), requests)

    def _put_each(self, table: str, puts: Sequence[Put]) -> None:
        with self._one.client() as client:
            for put in puts:
                client.client.mutateRowTs(self._name(table), put.row, [Mutation(column=put.column, value=put.value)], put.time, {})

    def _mutate(self, table: str, puts: Sequence[Put], mutations: Sequence[Any]) -> Pending:
        return [self._side.submit(self._mutate_part, table, mutations[part]) for part in self._parts(puts)]

    def _mutate_part(self, table: str, mutations: Sequence[Any]) -> None:
        with self._one.client() as client:
            client.client.mutateRows(self._name(table), mutations, {})

    def _parts(self, puts: Sequence[Put]) -> list[slice]:
        sizes = [len(put.row) + len(put.column) + len(put.value) for put in puts]
        return chunks(sizes, self._settings.batch_rows, self._settings.batch_bytes)

    def _name(self, table: str) -> bytes:
        return f"{self._settings.namespace}:{table}".encode()


def finish(*pending: Pending) -> None:
    """Wait until every call has ended; raise what the first one that failed raised."""
    calls = [call for group in pending for call in group]
    wait(calls)
    for call in calls:
        call.result()


def thrift2_client(settings: HBaseSettings) -> Any:
    """A client of the Thrift 2 server, over TLS as the Thrift server's. Raises what thriftpy2 does where there is none."""
    host, _, port = settings.thrift2_address.rpartition(":")
    tls = tls_context(settings.ca_file, settings.certificate_file, settings.key_file) if settings.ca_file else None
    return make_client(thrift2().THBaseService, host, int(port), timeout=int(settings.timeout_s * 1000), ssl_context=tls)


@cache
def thrift2() -> Any:
    """The types and the service of Thrift 2."""
    return thriftpy2.load(str(_IDL), module_name="hbase_thrift2_thrift")


def _opened(settings: HBaseSettings) -> Any:
    client = connection(settings)
    client.open()
    return client


def _column_value(put: Put) -> Any:
    family, _, qualifier = put.column.partition(b":")
    return thrift2().TColumnValue(family=family, qualifier=qualifier, value=put.value, timestamp=put.time)
