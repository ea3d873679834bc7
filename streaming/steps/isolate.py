"""Scores for a batch in which some rows break the model: the batch is halved until those rows stand alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streaming.errors import ModelError
from streaming.models.model import Model, Scores, verify
from streaming.steps.deadline import TooSlow, within

# A model is code of other people, and may raise any error of its own about a row that it cannot take. Whether it is the model
# that is broken, its reference rows tell. An out-of-memory or a signal is not about a row.
ROW_ERRORS: tuple[type[BaseException], ...] = (TooSlow, Exception)
# A part of a slow batch gets less time, down to this share of the limit: the search for one slow row among ten thousand ends
# after about four limits. A row alone has the whole limit again before it is judged.
_LEAST_SHARE = 1 / 8


def score_rows(model: Model, features: pa.RecordBatch, *, limit_s: float = 0) -> tuple[Scores, dict[int, str]]:
    """Scores of shape (rows,), and for each row that has none the reason, one line; such a row's score is NaN.

    limit_s: longest that the model may take for the batch, and for a row alone; 0: no limit (see steps/deadline.py).
    Raises ModelError if the model fails on its own reference rows too.
    """
    search = _Search(model, np.full(features.num_rows, np.nan), {}, limit_s)
    search.score(features, 0, limit_s)
    for row in np.flatnonzero(~np.isfinite(search.scores)):
        search.failures.setdefault(int(row), f"the model gives {search.scores[row]} for this event")
    return search.scores, search.failures


@dataclass
class _Search:
    model: Model
    scores: Scores
    failures: dict[int, str]
    limit_s: float
    verified: bool = False

    def score(self, features: pa.RecordBatch, start: int, limit_s: float) -> None:
        rows = features.num_rows
        if rows == 0:
            return
        try:
            with within(self.limit_s if rows == 1 else limit_s):
                self.scores[start : start + rows] = self.model.predict(features)
        except MemoryError:
            raise
        except ROW_ERRORS as error:
            self._verify()
            if rows == 1:
                self.failures[start] = self._why(error)
                return
            half, less_s = rows // 2, max(limit_s / 2, self.limit_s * _LEAST_SHARE)
            self.score(features.slice(0, half), start, less_s)
            self.score(features.slice(half), start + half, less_s)

    def _why(self, error: BaseException) -> str:
        if isinstance(error, TooSlow):
            return f"the model takes longer than {self.limit_s:g} s for this event"
        return f"the model cannot score this event: {type(error).__name__}: {_shortened(str(error))}"

    def _verify(self) -> None:
        """Once: a model that fails on good rows would otherwise reject every event, one by one."""
        if self.verified:
            return
        name = self.model.manifest.name
        try:
            with within(self.limit_s):
                verify(self.model)
        except TooSlow:
            raise ModelError(
                f"model {name} takes longer than {self.limit_s:g} s for its own reference rows; raise stream.score_limit_s"
            ) from None
        except ROW_ERRORS as error:
            raise ModelError(f"model {name} cannot score its own reference rows: {_shortened(str(error))}; register it again") from error
        self.verified = True


def _shortened(text: str) -> str:
    return " ".join(text.split())[:200]
