"""The predictions of a window beside their labels, one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray

from streaming.truth.arrays import Bools, Floats
from streaming.truth.declared import Truth
from streaming.truth.windows import Window

COLUMNS = ("prediction_id", "role", "variant", "model", "model_version", "score", "scores", "predicted_class", "event_time", "scored_at",
           "number", "name", "weight", "acted", "partial", "contradicted")  # fmt: skip
# A shadow's row has its event's address, and with it the label.
_ROWS = """
    SELECT p.prediction_id::text, p.role, p.variant, p.model_name, p.model_version, p.score, p.scores, p.predicted_class, p.event_time,
           p.scored_at, h.number, h.name, h.weight, h.acted, h.partial, h.contradicted
    FROM prediction p LEFT JOIN prediction_label h
      ON h.deployment = p.deployment AND h.event_time = p.event_time AND h.source_partition = p.source_partition
     AND h.source_offset = p.source_offset AND h.source_topic = p.source_topic
    WHERE p.deployment = %s AND p.event_time >= %s AND p.event_time < %s
    ORDER BY p.event_time, p.prediction_id"""


class Rows(NamedTuple):
    """Labelled rows as figures take them. y: 0 or 1, amounts, or names of classes; probabilities: shape (rows, classes)."""

    y: NDArray[Any]
    score: Floats
    weight: Floats
    classes: tuple[str, ...] = ()
    probabilities: Floats | None = None

    @property
    def weighted(self) -> bool:
        """Whether the weights differ from one another."""
        return bool(len(self.weight) and (self.weight != self.weight[0]).any())

    def of(self, chosen: Bools) -> Rows:
        """Some of the rows."""
        told = None if self.probabilities is None else self.probabilities[chosen]
        return self._replace(y=self.y[chosen], score=self.score[chosen], weight=self.weight[chosen], probabilities=told)


def window_rows(connection: psycopg.Connection, deployment: str, window: Window) -> pd.DataFrame:
    """All predictions of a window, shadows too, with the label that counts; columns as COLUMNS. Raises psycopg.Error.

    The whole window is held in memory: some 500 bytes a prediction. Where that is much, declare shorter windows.
    """
    found = connection.execute(_ROWS.encode(), (deployment, *window)).fetchall()
    frame = pd.DataFrame.from_records(found, columns=list(COLUMNS))
    frame["score"] = frame["score"].astype(np.float64)
    frame["partial"] = frame["partial"].fillna(value=False).astype(bool)
    frame["contradicted"] = frame["contradicted"].fillna(value=False).astype(bool)
    return frame


def labelled(frame: pd.DataFrame, truth: Truth) -> Bools:
    """Which rows have a finite score and a final label that fits the task: a class but the positive one is 0, an amount is a number."""
    finite = np.isfinite(frame["score"].to_numpy(dtype=np.float64))
    final: Bools = (frame["weight"].notna() & ~frame["partial"]).to_numpy(dtype=np.bool_) & finite
    number: Bools = frame["number"].notna().to_numpy(dtype=np.bool_)
    name: Bools = frame["name"].notna().to_numpy(dtype=np.bool_)
    if truth.task == "regression":
        return final & number
    if truth.task == "multiclass":
        return final & name & frame["scores"].notna().to_numpy(dtype=np.bool_)
    return final & (name | frame["number"].isin((0.0, 1.0)).to_numpy(dtype=np.bool_))


def labelled_rows(frame: pd.DataFrame, truth: Truth) -> Rows:
    """The labelled rows of a frame, as `labelled` says, for its figures."""
    chosen = frame[labelled(frame, truth)]
    score, weight = chosen["score"].to_numpy(dtype=np.float64), chosen["weight"].to_numpy(dtype=np.float64)
    if truth.task == "multiclass":
        return _classes(chosen, score, weight)
    number = chosen["number"].to_numpy(dtype=np.float64)
    if truth.task == "regression":
        return Rows(number, score, weight)
    return Rows(np.where(np.isnan(number), chosen["name"].to_numpy() == truth.positive, number).astype(np.float64), score, weight)


def _classes(chosen: pd.DataFrame, score: Floats, weight: Floats) -> Rows:
    """`scores` holds a probability for each class; a class that the model does not know is left out with its rows."""
    told = [_mapping(value) for value in chosen["scores"]]
    classes = tuple(sorted({name for one in told for name in one}))
    known = np.array([name in one for name, one in zip(chosen["name"], told, strict=True)], dtype=bool)
    probabilities = np.array([[float(one.get(name, 0.0)) for name in classes] for one in told], dtype=np.float64).reshape(len(told), -1)
    return Rows(chosen["name"].to_numpy(dtype=object), score, weight, classes, probabilities).of(known)


def _mapping(value: Any) -> dict[str, float]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}


def served(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that reached a customer: all but shadows."""
    return frame[frame["role"] != "shadow"]


def values_of(column: pd.Series[Any], most: int) -> Sequence[str]:
    """The commonest values of a column as texts, at most so many, in order of their names; missing ones are left out."""
    counted = column.dropna().value_counts()
    order = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))
    return sorted(str(value) for value, _ in order[:most])
