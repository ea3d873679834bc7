"""Verdicts on replayed events: their first address, which they keep, does not tell whether they were scored before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streaming.sinks import CONFLICT, REPEAT, STANDS

Standing = Mapping[str, tuple[str, str]]
"""prediction id → digest and plan id of the row that is stored"""


class Replays:
    """The replayed events of one task. A batch that is done again finds its own rows by its plan, and judges as the first time."""

    def __init__(self, plan_id: str) -> None:
        self._batch = _batch_of(plan_id)
        self._here: dict[str, str] = {}

    def judge(
        self, rows: pa.RecordBatch, replayed: NDArray[np.bool_], verdicts: np.ndarray, ask: Callable[[pa.RecordBatch], Standing]
    ) -> np.ndarray:
        """The store's verdicts on rows of the type PREDICTION, shape (rows,), mended for those that were replayed.

        A replayed event that another batch scored, or this task before, is a repeat if its bytes are the same, else a
        conflict. ask: Sink.standing, called once if there are such rows. Raises what `ask` raises.
        """
        places = np.flatnonzero(replayed & (verdicts == STANDS))
        if not len(places):
            return verdicts
        asked = rows.take(pa.array(places))
        stored, mended = ask(asked), verdicts.copy()
        keys = zip(places.tolist(), asked.column("prediction_id").to_pylist(), asked.column("payload_digest").to_pylist(), strict=True)
        for place, key, digest in keys:
            first = self._first(key, stored)
            if first is None:
                self._here[key] = digest
            else:
                mended[place] = REPEAT if first == digest else CONFLICT
        return mended

    def _first(self, key: str, stored: Standing) -> str | None:
        """Digest of the event that was scored under this id before; None if this is the first time."""
        digest, plan_id = stored.get(key, ("", ""))
        return digest if plan_id and _batch_of(plan_id) != self._batch else self._here.get(key)


def _batch_of(plan_id: str) -> str:
    """Query and batch of a plan: its revisions are of the same batch."""
    return "/".join(plan_id.split("/")[:2])
