"""A property of a schema from the statistics of a field: a beginning for a person to review."""

from __future__ import annotations

from typing import Any

from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.extremes import extremes
from streaming.contracts.statistics.field import FieldStatistics

_MOST_CHOICES = 20
_SEEN_EACH = 5  # a value that came less often on average is hardly one of a closed list
REVIEW = "review: proposed from data"  # a comment with which no schema is published


def property_for(seen: FieldStatistics) -> dict[str, Any]:
    """What a schema may say of a field with these statistics. Lists, objects and mixed types become metadata."""
    kinds = set(seen.kinds)
    if kinds <= {"integer", "number"} and kinds and seen.numbers is not None:
        return _described(seen, _number(seen, whole=kinds == {"integer"}))
    if kinds == {"boolean"}:
        return _described(seen, {"type": "boolean"})
    if kinds == {"timestamp"}:
        return _described(seen, {"type": "string", "format": "date-time", "maxLength": 64})
    if kinds == {"string"}:
        return _described(seen, _text(seen))
    names = {"timestamp": "string", "binary": "string"}
    types = sorted({names.get(kind, kind) for kind in kinds}) or ["string"]
    return _described(seen, {"type": types[0] if len(types) == 1 else types}) | {"x-role": "metadata"}


def _described(seen: FieldStatistics, spec: dict[str, Any]) -> dict[str, Any]:
    kind = spec["type"]
    types = [kind] if isinstance(kind, str) else kind
    if seen.null and "null" not in types:
        spec = spec | {"type": [*types, "null"]} | ({"enum": [*spec["enum"], None]} if "enum" in spec else {})
    return {"$comment": REVIEW} | spec


def _number(seen: FieldStatistics, *, whole: bool) -> dict[str, Any]:
    numbers = seen.numbers
    ends = extremes(numbers.moments, numbers.whole) if numbers is not None else None
    if numbers is None or ends is None:
        return {"type": "number"}
    # A contract's integers lie within 64 bits; what JSON writes beyond is a number.
    kind = "integer" if whole and not numbers.whole.beyond and not numbers.infinite else "number"
    return {"type": kind, "minimum": ends[0], "maximum": ends[1]}


def _text(seen: FieldStatistics) -> dict[str, Any]:
    tops = sketches.top_values(seen.top)
    exact = all(top.least == top.most and len(top.value) < sketches.SHOWN_TEXT for top in tops)  # a longer one was cut
    if tops and exact and len(tops) <= _MOST_CHOICES and seen.present >= _SEEN_EACH * len(tops):
        return {"type": "string", "enum": sorted(top.value for top in tops)}
    return {"type": "string", "maxLength": max(1, int((seen.texts.lengths.high if seen.texts else None) or 1))}
