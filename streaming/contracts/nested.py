"""Fields of any shape in the fast path: each distinct JSON text is parsed strictly, held to its schema, and written canonically."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import UNSET, Raw
from numpy.typing import NDArray

from streaming.contracts.fields import Field
from streaming.contracts.strict_json import parse
from streaming.contracts.validator import compiled

LONG = 100_000  # bytes of a value that is left to the exact path, lest it is parsed twice where it is wrong


class NestedColumn:
    """Reads one field of kind json."""

    def __init__(self, field: Field) -> None:
        """field: of kind json."""
        self._allows = compiled(field.limits).is_valid

    def read(self, items: Sequence[Raw | Any]) -> tuple[list[Any], NDArray[np.bool_], NDArray[np.int64]]:
        """Canonical texts (None for null, UNSET where absent), which are surely valid, and the quotation marks in each as written."""
        known: dict[bytes, tuple[str | None, bool, int]] = {}
        found = [(UNSET, True, 0) if item is UNSET else self._known(bytes(item), known) for item in items]
        texts, good, quotes = zip(*found, strict=True)
        return list(texts), np.array(good, dtype=bool), np.array(quotes, dtype=np.int64)

    def _known(self, text: bytes, known: dict[bytes, tuple[str | None, bool, int]]) -> tuple[str | None, bool, int]:
        if text not in known:
            if len(text) > LONG:
                return None, False, 0
            # In an array of one the value stands as deep as in its event.
            items, reasons = parse(b"[" + text + b"]")
            good = not reasons and self._allows(items[0])
            known[text] = canonical(items[0]) if good else None, good, text.count(b'"')
        return known[text]


def canonical(value: Any) -> str | None:
    """A JSON value as text: keys sorted, no spaces, characters as they are; None for null.

    >>> canonical({"b": [1.0, True], "a": "é"})
    '{"a":"é","b":[1.0,true]}'
    """
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
