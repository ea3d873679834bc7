"""Verdicts on replayed events: an address keeps the one prediction that it has, whatever a mapping made of its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streaming.sinks import CONFLICT, REPEAT, STANDS, Address, Held, addresses

Standing = Mapping[str, tuple[str, str]]
"""prediction id → digest and plan id of the row that is stored"""


class Replays:
    """The replayed events of one task. A batch that is done again finds its own rows by its plan, and judges as the first time."""

    def __init__(self, plan_id: str) -> None:
        self._batch = _batch_of(plan_id)
        self._came: dict[Address, tuple[str, str]] = {}

    def store(
        self,
        rows: pa.RecordBatch,
        replayed: NDArray[np.bool_],
        ask: Callable[[list[Address]], Held],
        write: Callable[[pa.RecordBatch], np.ndarray],
    ) -> np.ndarray:
        """Write rows of the type PREDICTION, but no replayed one whose address has its outcome already. Returns the verdicts, (rows,).

        Of a replayed event whose address another batch scored, or this task before: a repeat if id and bytes are the same,
        else a conflict. replayed: shape (rows,). ask: Store.held, asked before the write if there are such rows. write: Sink.write.
        Raises what they raise.
        """
        if not replayed.any():
            return write(rows)
        places = np.flatnonzero(replayed & (rows.column("role").to_numpy(zero_copy_only=False) != "shadow"))
        verdicts = np.full(rows.num_rows, STANDS, dtype=np.uint8)
        came = rows.take(pa.array(places))
        asked = addresses(came)
        held = ask(asked)
        entries = zip(asked, came.column("prediction_id").to_pylist(), came.column("payload_digest").to_pylist(), strict=True)
        verdicts[places] = [self._verdict(address, event, held.get(address, {})) for address, *event in entries]
        unheld = verdicts == STANDS
        verdicts[unheld] = write(rows.filter(pa.array(unheld)))
        return verdicts

    def _verdict(self, address: Address, event: list[str], stored: Standing) -> int:
        key, digest = event
        if stored and key not in stored:
            return CONFLICT
        standing, plan_id = stored.get(key, ("", ""))
        if plan_id and _batch_of(plan_id) != self._batch:
            return REPEAT if standing == digest else CONFLICT
        if address in self._came:
            return REPEAT if self._came[address] == (key, digest) else CONFLICT
        self._came[address] = key, digest
        return STANDS


def _batch_of(plan_id: str) -> str:
    """Query and batch of a plan: its revisions are of the same batch."""
    return "/".join(plan_id.split("/")[:2])
