"""Reading what HBase keeps: records of the history, or current rows, with the time at which each was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from streaming.settings import HBaseSettings
from streaming.sinks.hbase.errors import judged_errors
from streaming.sinks.hbase.tables import CELL
from streaming.sinks.hbase.tls import connection

_PAGE = 1000


class Stored(NamedTuple):
    """A record of the schema `prediction`, version 2, and its cell's timestamp: in the history the region server's ms since 1970."""

    record: dict[str, Any]
    time: int


def stored(settings: HBaseSettings, table: str, *, most: int | None = None, prefix: bytes | None = None) -> Iterator[Stored]:
    """The rows of a table of records in the order of their keys; of an entity's history (prefix: its `entity_key`) the newest first.

    most: how many at most; keys are salted, so the first ones are a sample of all entities. Raises Unavailable, StoreError.
    """
    with judged_errors(settings.address):
        client = connection(settings)
        client.open()
        try:
            rows = client.table(f"{settings.namespace}:{table}").scan(
                row_prefix=prefix, limit=most, batch_size=_PAGE, include_timestamp=True
            )
            for _, cells in rows:
                record, time = cells[CELL]
                yield Stored(msgspec.json.decode(record), time)
        finally:
            client.close()
