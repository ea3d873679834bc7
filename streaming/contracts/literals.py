"""Numbers in a schema: none that an event cannot hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from streaming.contracts.reasons import shorten
from streaming.contracts.strict_json import MAX_INTEGER, MIN_INTEGER
from streaming.errors import ContractError


def check_numbers(document: Any, source: str) -> None:
    """Raise ContractError for an integer beyond 64 bits, NaN or Infinity anywhere in a schema: mend it, or write a double (1e30).

    >>> check_numbers({"properties": {"n": {"maximum": 1e30}}}, "thing/v1.json")
    >>> check_numbers({"properties": {"n": {"maximum": 2**64}}}, "thing/v1.json")
    Traceback (most recent call last):
        ...
    streaming.errors.ContractError: thing/v1.json: 18446744073709551616 is no integer of 64 bits; expected -2^63 to 2^64-1, or 1e30
    """
    rest = [document]
    while rest:
        node = rest.pop()
        if isinstance(node, Mapping):
            rest += node.values()
        elif isinstance(node, list):
            rest += node
        elif isinstance(node, int) and not MIN_INTEGER <= node <= MAX_INTEGER:
            raise ContractError(f"{source}: {shorten(node)} is no integer of 64 bits; expected -2^63 to 2^64-1, or 1e30")
        elif isinstance(node, float) and not math.isfinite(node):
            raise ContractError(f"{source}: {node} is no number of JSON; expected a finite one")
