"""Ways in which producers break events: each takes a good event and gives the bytes that arrive instead.

Every kind breaks the contract customer_activity v1, so that each must be rejected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

Scalar = str | int | float | None
Event = Mapping[str, Scalar]
Corruption = Callable[[Event], bytes | None]

_DEPTH = 5000


def encode(event: Mapping[str, object]) -> bytes:
    """An event as compact JSON in UTF-8.

    >>> encode({"tenure": 3})
    b'{"tenure":3}'
    """
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _changed(**fields: Scalar) -> Corruption:
    return lambda event: encode({**event, **fields})


def _literal(field: str, literal: str) -> Corruption:
    """Writes the field's value as this text, which Python's encoder would not write."""
    return lambda event: encode({**event, field: "\x1a"}).replace(b'"\\u001a"', literal.encode())


def _without(field: str) -> Corruption:
    return lambda event: encode({name: value for name, value in event.items() if name != field})


def _truncated(event: Event) -> bytes:
    value = encode(event)
    return value[: len(value) * 2 // 3]


def _latin1(event: Event) -> bytes:
    return encode({**event, "customer_id": f"{event['customer_id']}-Zoé"}).decode().encode("latin-1")


def _duplicate_key(event: Event) -> bytes:
    return b'{"tenure":12,' + encode(event)[1:]


def _nested(event: Event) -> bytes:
    return _literal("contract", "[" * _DEPTH + "]" * _DEPTH)(event) or b""


KINDS: dict[str, Corruption] = {
    "truncated_json": _truncated,
    "negative_tenure": _changed(tenure=-1),
    "unknown_contract": _changed(contract="Lifetime"),
    "number_as_string": _changed(monthly_charges="79.90"),
    "missing_field": _without("payment_method"),
    "null_field": _changed(contract=None),
    "unknown_field": _changed(loyalty_tier="gold"),
    "invalid_utf8": _latin1,
    "duplicate_key": _duplicate_key,
    "not_a_number": _literal("total_charges", "NaN"),
    "number_overflow": _literal("monthly_charges", "1e400"),
    "empty_value": lambda _: b"",
    "null_value": lambda _: None,
    "trailing_garbage": lambda event: encode(event) + b"}",
    "integer_past_int64": _changed(tenure=2**63),
    "far_future": _changed(event_time="2999-01-01T00:00:00Z"),
    "no_time_zone": _changed(event_time="2026-01-31T08:15:00"),
    "deep_nesting": _nested,
}
"""By name: what a broken event of the kind looks like. `conflict` is the one kind that needs an earlier event: see traffic."""
