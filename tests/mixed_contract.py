"""A contract that uses nearly every keyword once."""

from __future__ import annotations

from typing import Any

from streaming.contracts.schema import DIALECT

MIXED: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "n"],
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "who": {"type": "string", "minLength": 1, "maxLength": 5},
        "n": {"type": "integer", "exclusiveMinimum": -9, "exclusiveMaximum": 12},
        "share": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
        "flag": {"type": ["boolean", "null"], "const": True},
        "half": {"type": "number", "enum": [0.5, 1, 1.5]},
        "code": {"type": "string", "pattern": "^[0-9]{2}$"},
        "id": {"type": "string", "format": "uuid"},
        "step": {"type": "number", "multipleOf": 0.25},
        "tags": {"type": "array", "x-role": "metadata", "items": {"type": "string"}},
    },
    "dependentRequired": {"share": ["flag"]},
}
