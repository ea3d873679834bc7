"""Decimals of Avro, read in bounded time and never rounded.

fastavro's own reader takes time that grows with the square of the number of bytes, and rounds to the precision of the schema.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fastavro.read import LOGICAL_READERS

_TYPES = ("bytes", "fixed")
_BOUNDED = "bounded-decimal"
_MOST_DIGITS = 1000  # no database declares more; the time to write a number grows with the square of its digits


def bounded_decimals(node: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema, as JSON, whose decimals, if it is one, are read by `decimal_of`.

    Raises ValueError for a precision that is not 1 to 1000, or a scale that is not 0 to the precision.
    """
    if node.get("type") not in _TYPES or node.get("logicalType") not in ("decimal", _BOUNDED):
        return node
    precision, scale = node.get("precision"), node.get("scale", 0)
    if type(precision) is not int or not 0 < precision <= _MOST_DIGITS:
        raise ValueError(f"precision of a decimal: {str(precision)[:20]}; expected 1 to {_MOST_DIGITS}")
    if type(scale) is not int or not 0 <= scale <= precision:
        raise ValueError(f"scale of a decimal: {str(scale)[:20]}; expected 0 to its precision {precision}")
    return {**node, "logicalType": _BOUNDED, "scale": scale}


def decimal_of(data: bytes, schema: dict[str, Any] | None, _reader_schema: dict[str, Any] | None = None) -> Decimal:
    """The number of these bytes: two's complement, big endian, of any length.

    schema: of the decimal, with precision and scale. Raises ValueError for more digits than its precision.

    >>> decimal_of(bytes([4, 210]), {"precision": 4, "scale": 2})
    Decimal('12.34')
    """
    assert schema is not None
    number, precision = int.from_bytes(data, "big", signed=True), schema["precision"]
    if abs(number) >= 10**precision:
        raise ValueError(f"a decimal of more than {precision} digits")
    return Decimal(f"{number}E-{schema['scale']}")


# fastavro's documented way to read a logical type of one's own; the name is nobody else's, so that its own decimals stay.
LOGICAL_READERS |= {f"{kind}-{_BOUNDED}": decimal_of for kind in _TYPES}
