"""Predictions to be labelled, and labels of them, for the tests of the label join."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from prediction_rows import NOON, row

from streaming.truth.label import Checked

Write = Callable[..., list[dict[str, Any]]]


def predictions(count: int, *, seconds: int = 0, **changes: Any) -> list[dict[str, Any]]:
    """One prediction for each of so many entities, a second apart."""
    return [row(f"e{n}", entity=f"c{n}", seconds=seconds + n, offset=n + seconds, **changes) for n in range(count)]


def label(label_id: str, value: float | str, *, of: str | None = None, entity: str | None = None, **changes: Any) -> Checked:
    """A label of deployment `risk`: of a prediction id, or of an entity a day after noon."""
    outcome = None if entity is None else NOON + timedelta(days=1)
    usual: dict[str, Any] = {
        "label_id": label_id, "deployment": "risk", "prediction_id": of, "entity_id": entity, "outcome_at": outcome,
        "observed_at": NOON + timedelta(days=2), "number": value if isinstance(value, float) else None,
        "name": value if isinstance(value, str) else None, "weight": 1.0, "acted": None, "partial": False, "source": "",
    }  # fmt: skip
    return Checked(**(usual | changes))


def after(**parts: float) -> datetime:
    """A time after noon."""
    return NOON + timedelta(**parts)
