"""Counts, sketches and records of the service, and the SDK for everyone's own metrics.

>>> from streaming.metrics import read_metrics, track_aggregate_metrics, track_delayed_metrics, track_metrics

Importing it is light: the client of Kafka, the driver of PostgreSQL and Arrow's frames are loaded by the first call that needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streaming.metrics.call import scoring_call
    from streaming.metrics.reading import read_metrics
    from streaming.metrics.sdk import (
        close,
        configure,
        flush,
        track_aggregate_metrics,
        track_delayed_metrics,
        track_metrics,
        track_metrics_bulk,
    )

__all__ = [
    "close",
    "configure",
    "flush",
    "read_metrics",
    "scoring_call",
    "track_aggregate_metrics",
    "track_delayed_metrics",
    "track_metrics",
    "track_metrics_bulk",
]
_HOMES = dict.fromkeys(__all__, "sdk") | {"scoring_call": "call", "read_metrics": "reading"}


def __getattr__(name: str) -> Any:
    """The SDK's names, from the modules that hold them."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
