"""The table `current_prediction`: one cell for each entity and deployment, whose timestamp encodes the order of law 3.

HBase gives readers the cell with the largest timestamp, whatever was written last, so late events and replays change nothing by
nature. Rows that share a timestamp (one entity, one microsecond, nearly the same delay) are compared in full before one is put. One
window is left: of two tasks that put such rows of one entity at the same moment, the last one's may stay; it takes an entity whose
events of one microsecond lie in two partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streaming.sinks.hbase.errors import HBaseBusy
from streaming.sinks.hbase.rows import Entry, entry
from streaming.sinks.hbase.tables import CELL, CURRENT
from streaming.sinks.hbase.thrift import Cells, HBaseClient, Put, finish

_ROUNDS = 10


def newest(rows: Iterable[Entry]) -> dict[bytes, Entry]:
    """The newest row of each entity, by the entity's key."""
    found: dict[bytes, Entry] = {}
    for row in rows:
        if row.entity not in found or row.order > found[row.entity].order:
            found[row.entity] = row
    return found


def put_newer(client: HBaseClient, rows: Mapping[bytes, Entry]) -> None:
    """Make rows current where nothing newer is; rows that shared a timestamp with another are looked at again once they are written.

    Raises HBaseBusy where others keep writing rows with the same timestamps; else as the client.
    """
    pending = dict(rows)
    for _ in range(_ROUNDS):
        if not pending:
            return
        there = client.rows(CURRENT, list(pending))
        newer = {key: row for key, row in pending.items() if _is_newer(row, there.get(key))}
        finish(client.put_at(CURRENT, [Put(key, CELL, row.record, row.time) for key, row in newer.items()]))
        pending = {key: row for key, row in newer.items() if key in there and there[key][CELL][1] == row.time}
    raise HBaseBusy(f"HBase: {len(pending)} current rows are being written by other tasks")


def _is_newer(row: Entry, cells: Cells | None) -> bool:
    if cells is None:
        return True
    record, at = cells[CELL]
    return row.time > at or (row.time == at and row.order > entry(record).order)
