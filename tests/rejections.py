"""Rejections for the tests of a replay."""

from __future__ import annotations

from typing import Any

from streaming.replay.rejection import Rejection

FOUND = '/contract: enum ["One year", "Two year"], found "Monthly"'


def a_rejection(offset: int = 0, **changes: Any) -> Rejection:
    """A rejection like any other, with some fields changed; each is a minute after the one before."""
    usual: dict[str, Any] = {
        "address": ("events", 0, offset),
        "place": (1, offset),
        "received_ms": 1_767_355_200_000 + offset * 60_000,
        "stage": "validate",
        "reason": "enum",
        "path": "/contract",
        "message": FOUND,
        "schema_version": "1",
        "model": "churn/7",
        "producer": "crm-3",
        "attempt": 1,
    }
    return Rejection(**(usual | changes))
