"""Who was first: the table `prediction_key`, in which an address claims an event before its prediction is written.

Thrift has no put-if-absent for many rows, so a claim is put, and read back: whoever finds only its own stands. HBase locks a row while
it is written, so of two that claim at once the second one always sees the first, and withdraws; both may, and try again after a while.
So an event is claimed by one address, whatever the clocks of the region servers say. A claim stays for good once its row is in the
history; one without a row is its task's for ABANDONED_S, and is then taken for one of a stream that is gone.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streaming.sinks.hbase.errors import HBaseBusy
from streaming.sinks.hbase.rows import Entry, entry
from streaming.sinks.hbase.tables import CELL, HISTORY, KEYS
from streaming.sinks.hbase.thrift import Cells, HBaseClient, Put, finish

FAMILY = b"k:"
ABANDONED_S = 600.0
_VERSION = b"\x01"
_NONCE_BYTES = 8  # a put that comes late, after its client gave up, makes a column of its own and moves no other
_PLACE_AT = len(FAMILY) + _NONCE_BYTES
_ROUNDS = 6
_PAUSE_S = 0.1  # longer than a claim and its reading take


class Claim(NamedTuple):
    """What stands for an event: the address as `place` gives it, and the digest of its bytes. known: it was claimed before."""

    place: bytes
    digest: bytes
    known: bool


Rows = Mapping[bytes, Sequence[Entry]]
"""Key of the claim → the rows of a batch that are for this event, the first first"""


class Claims:
    """Settles, for events of a batch, which address stands for each."""

    def __init__(self, client: HBaseClient) -> None:
        self._client = client

    def settle(self, asked: Rows) -> dict[bytes, Claim]:
        """The claim that stands for each event, by the claim's key.

        Raises HBaseBusy if other tasks claim the same events over and over; else as the client.
        """
        settled: dict[bytes, Claim] = {}
        free = {key: rows[0] for key, rows in asked.items()}
        for attempt in range(_ROUNDS):
            mark = FAMILY + os.urandom(_NONCE_BYTES)
            contended = self._claim(mark, free, settled)
            free = self._contend(mark, {key: (asked[key], cells) for key, cells in contended.items()}, settled)
            if not free:
                return settled
            time.sleep(random.uniform(0, _PAUSE_S * 2**attempt))  # noqa: S311 (so that two that withdrew do not meet again)
        raise HBaseBusy(f"HBase: {len(free)} events are being claimed by other tasks")

    def _claim(self, mark: bytes, free: Mapping[bytes, Entry], settled: dict[bytes, Claim]) -> dict[bytes, Cells]:
        """Claim events; settle those that nobody else claims. Returns the cells of the others."""
        finish(self._client.put(KEYS, [Put(key, mark + row.place, _VERSION + row.digest) for key, row in free.items()]))
        there = self._client.rows(KEYS, list(free))
        contended: dict[bytes, Cells] = {}
        for key, row in free.items():
            if any(_place(column) != row.place for column in there[key]):
                contended[key] = there[key]
            else:
                settled[key] = Claim(row.place, row.digest, known=len(there[key]) > 1)
        again = [key for key in free.keys() - contended.keys() if settled[key].known]
        self._delete((key, mark + free[key].place) for key in again)
        return contended

    def _contend(
        self, mark: bytes, contended: Mapping[bytes, tuple[Sequence[Entry], Cells]], settled: dict[bytes, Claim]
    ) -> dict[bytes, Entry]:
        """Settle events that others claim too by the rows that are written; where none is, withdraw. Returns what is free again then."""
        written = self._client.rows(HISTORY, [rows[0].history for rows, _ in contended.values()])
        doomed: list[tuple[bytes, bytes]] = []
        withdrawn: dict[bytes, Entry] = {}
        for key, (rows, cells) in contended.items():
            own = {row.place: row for row in rows}
            if rows[0].history in written:
                standing = entry(written[rows[0].history][CELL][0])
                settled[key] = Claim(standing.place, standing.digest, known=True)
                doomed += [(key, column) for column in cells if column.startswith(mark)]
            else:
                doomed += [(key, column) for column, (_, at) in cells.items() if _place(column) in own or _abandoned(at)]
                before = (own[_place(column)] for column in cells if _place(column) in own and not column.startswith(mark))
                withdrawn[key] = next(before, rows[0])
        self._delete(doomed)
        left = self._client.rows(KEYS, list(withdrawn))
        settled |= {key: _oldest(cells) for key, cells in left.items()}
        return {key: row for key, row in withdrawn.items() if key not in left}

    def _delete(self, doomed: Iterable[tuple[bytes, bytes]]) -> None:
        finish(self._client.delete(KEYS, [Put(key, column, b"") for key, column in doomed]))


def _place(column: bytes) -> bytes:
    return column[_PLACE_AT:]


def _abandoned(claimed_ms: int) -> bool:
    return time.time() - claimed_ms / 1000 > ABANDONED_S


def _oldest(cells: Cells) -> Claim:
    _, column, value = min((at, column, value) for column, (value, at) in cells.items())
    return Claim(_place(column), value[1:33], known=True)
