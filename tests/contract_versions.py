"""Versions of a small event for tests: each is the one before it with some fields changed."""

from __future__ import annotations

from typing import Any

from streaming.contracts import Contract
from streaming.contracts.schema import DIALECT, parse_contract

ENVELOPE: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time", "x-role": "metadata"},
    "who": {"type": "string", "minLength": 1, "maxLength": 5, "x-role": "metadata"},
}


def document(fields: dict[str, Any], optional: tuple[str, ...] = (), **event: Any) -> dict[str, Any]:
    """A schema with the fields `at` and `who` and some more; all are required but those named."""
    properties = ENVELOPE | fields
    return {
        "$schema": DIALECT,
        "x-entity": "who",
        "x-event-time": "at",
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        **event,
    }


def version(number: int, fields: dict[str, Any], optional: tuple[str, ...] = (), **event: Any) -> Contract:
    """A version of the event `thing`."""
    return parse_contract(document(fields, optional, **event), "thing", number, f"thing v{number}")
