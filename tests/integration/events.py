"""Events of schema customer_activity v1 for the integration tests."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from streaming.local.telco import event_fields, load_telco, split
from streaming.records import rfc3339

_CUSTOMERS = event_fields(split(load_telco())[1])


def event(n: int, **changes: Any) -> dict[str, Any]:
    """A good event of the nth held-out customer."""
    return {"event_id": str(uuid.uuid4()), "event_time": rfc3339(datetime.now(UTC)), **_CUSTOMERS[n % len(_CUSTOMERS)]} | changes


def message(fields: dict[str, Any]) -> dict[str, Any]:
    """An event as arguments of Producer.produce."""
    return {"value": json.dumps(fields).encode(), "key": fields["customer_id"].encode()}


def good(count: int) -> list[dict[str, Any]]:
    """Many good messages."""
    return [message(event(n)) for n in range(count)]


def without(name: str) -> bytes:
    """An event that lacks a field."""
    fields = event(1)
    del fields[name]
    return json.dumps(fields).encode()


def text(n: int = 1, **changes: Any) -> str:
    """An event as JSON text."""
    return json.dumps(event(n, **changes))


def bad() -> dict[str, tuple[bytes | None, str]]:
    """Kind of bad input → value, and the reason that it must be rejected for."""
    whole = text()
    return {
        "null value": (None, "null_value"),
        "empty value": (b"", "empty_value"),
        "invalid UTF-8": (whole.replace("C0", "C\udcff").encode("utf-8", "surrogateescape"), "encoding"),
        "truncated": (whole[:-40].encode(), "json"),
        "trailing garbage": ((whole + "}").encode(), "json"),
        "two documents": ((whole + whole).encode(), "json"),
        "duplicate key": ((whole[:-1] + ', "tenure": 3}').encode(), "duplicate_key"),
        "NaN": (whole.replace('"monthly_charges": ', '"monthly_charges": NaN, "x": ').encode(), "number_range"),
        "1e400": (text(monthly_charges=0.5).replace("0.5", "1e400").encode(), "number_range"),
        "past 2^63": (text(tenure=2**63).encode(), "maximum"),
        "number as a string": (text(tenure="12").encode(), "type"),
        "missing field": (without("contract"), "required"),
        "null field": (text(contract=None).encode(), "type"),
        "unknown category": (text(contract="Weekly").encode(), "enum"),
        "out of range": (text(tenure=-1).encode(), "minimum"),
        "unknown field": (text(colour="red").encode(), "additionalProperties"),
        "nesting 5,000 deep": (b"[" * 5000 + b"]" * 5000, "depth"),
        "10 MB": (json.dumps({"blob": "x" * 10_000_000}).encode(), "too_large"),
        "year 2999": (text(event_time="2999-01-01T00:00:00Z").encode(), "future_time"),
        "no time": (text(event_time="yesterday").encode(), "format"),
        "nul character": (text(customer_id="C\u0000").encode(), "nul_character"),
    }
