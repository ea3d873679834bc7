"""The scoring call that is under way: what `track_metrics` attaches to when it is given no prediction's id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """A prediction in the making, and who makes it."""

    prediction_id: str
    deployment: str = ""
    model: str = ""
    version: str = ""


_CALL: ContextVar[Call | None] = ContextVar("scoring_call", default=None)


@contextmanager
def scoring_call(prediction_id: str, *, deployment: str = "", model: str = "", version: str = "") -> Iterator[Call]:
    """While the block runs, what is tracked without an id belongs to this prediction. Threads and tasks each have their own.

    deployment: empty for the configuration's. Yields the call.

    >>> with scoring_call("p-1", model="churn", version="3"):
    ...     current_call().prediction_id
    'p-1'
    """
    token = _CALL.set(Call(prediction_id, deployment, model, version))
    try:
        yield Call(prediction_id, deployment, model, version)
    finally:
        _CALL.reset(token)


def current_call() -> Call | None:
    """The call under way in this thread or task; None outside of one."""
    return _CALL.get()
