"""HBase: the history newest first in `prediction`, the newest row of each entity in `current_prediction`.

Delivery: at least once with idempotent effect. A batch is no transaction here, so its rows are written in an order that a replay
repeats to the same effect: the claim of the event (hbase_claims), then history, address and current row; what a replay finds written
stays as it is. See docs/hbase.md.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Collection, Iterable
from concurrent.futures import wait
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from streaming.errors import Unavailable
from streaming.settings import HBaseSettings
from streaming.sinks import CONFLICT, REPEAT, STANDS, Address, Busy, Delivery
from streaming.sinks.hbase.claims import Claim, Claims
from streaming.sinks.hbase.current import newest, put_newer
from streaming.sinks.hbase.errors import RETRY_AFTER_S, HBaseBusy
from streaming.sinks.hbase.keys import address_key
from streaming.sinks.hbase.rows import Entry, entries, entry
from streaming.sinks.hbase.tables import ADDRESSES, CELL, HISTORY, check_hbase
from streaming.sinks.hbase.thrift import Cells, HBaseClient, Put, finish

_FAMILY = b"a:"
_VERSION = b"\x01"


class HBaseSink:
    """Writes predictions to HBase, with as many connections as `store.hbase.connections`, opened when they are needed."""

    delivery = Delivery.IDEMPOTENT

    def __init__(self, settings: HBaseSettings) -> None:
        self._settings = settings
        self._client = HBaseClient(settings)
        self._claims = Claims(self._client)

    def write(self, predictions: pa.RecordBatch) -> np.ndarray | Busy:
        """See Sink.write. Two tasks that write rows of one entity with one event time, in µs, at the same moment: see hbase_current."""
        try:
            return self._write(entries(predictions))
        except HBaseBusy as busy:
            return Busy(str(busy), RETRY_AFTER_S)
        except Unavailable:
            check_hbase(self._settings)  # a put into a table that is not there fails as one to a server that is not
            raise

    def held(self, asked: Collection[Address]) -> dict[Address, dict[str, tuple[str, str]]] | Busy:
        """See Store.held."""
        try:
            return self._held({address_key(*address): address for address in asked})
        except HBaseBusy as busy:
            return Busy(str(busy), RETRY_AFTER_S)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _write(self, rows: list[Entry]) -> np.ndarray:
        asked: dict[bytes, list[Entry]] = {}
        for row in rows:
            asked.setdefault(row.claim, []).append(row)
        claims = self._claims.settle(asked)
        self._deliver(*self._to_write(asked, claims))
        return np.array([_verdict(row, claims[row.claim]) for row in rows], dtype=np.uint8)

    def _to_write(self, asked: dict[bytes, list[Entry]], claims: dict[bytes, Claim]) -> tuple[list[Entry], list[Entry]]:
        """Rows to write, and those that a replay found written, as they were written."""
        own = {key: row for key, claim in claims.items() for row in asked[key] if row.place == claim.place}
        stored = self._client.rows(HISTORY, [row.history for key, row in own.items() if claims[key].known])
        new = [row for row in own.values() if row.history not in stored]
        return new, [entry(cells[CELL][0]) for cells in stored.values()]

    def _deliver(self, new: list[Entry], written: list[Entry]) -> None:
        """Write the rows to every table, side by side; what was written before is only completed where a crash had cut it short."""
        served = [row for row in (*new, *written) if not row.shadow]
        history = self._client.put(HISTORY, [Put(row.history, CELL, row.record) for row in new])
        places = self._client.put(ADDRESSES, [_address_put(row) for row in served])
        try:
            put_newer(self._client, newest(served))
        finally:
            wait([*history, *places])
        finish(history, places)

    def _held(self, asked: dict[bytes, Address]) -> dict[Address, dict[str, tuple[str, str]]]:
        there = {key: [_scored(column, value) for column, (value, _) in cells.items()] for key, cells in self._rows(asked).items()}
        written = self._client.rows(HISTORY, list({one.history for scored in there.values() for one in scored}))
        found = {key: [one for one in scored if one.history in written] for key, scored in there.items()}
        return {asked[key]: {one.prediction_id: (one.digest, one.plan_id) for one in scored} for key, scored in found.items() if scored}

    def _rows(self, asked: Iterable[bytes]) -> dict[bytes, Cells]:
        return self._client.rows(ADDRESSES, list(asked))


class _Scored(NamedTuple):
    """What the table of addresses says: under which id something was scored, from which bytes and plan, and the key of its row."""

    prediction_id: str
    digest: str
    plan_id: str
    history: bytes


def _verdict(row: Entry, claim: Claim) -> int:
    if row.place == claim.place:
        return STANDS
    return REPEAT if row.digest == claim.digest else CONFLICT


def _address_put(row: Entry) -> Put:
    value = _VERSION + row.digest + struct.pack(">H", len(row.history)) + row.history + row.plan_id.encode()
    return Put(row.address, _FAMILY + row.claim, value)


def _scored(column: bytes, value: bytes) -> _Scored:
    end = 35 + int.from_bytes(value[33:35])
    own_id = uuid.UUID(bytes=column[len(_FAMILY) : len(_FAMILY) + 16])
    return _Scored(str(own_id), value[1:33].hex(), value[end:].decode(), value[35:end])
