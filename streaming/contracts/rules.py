"""Rules that the fast path's types cannot state: held to jsonschema-rs once for each distinct combination of the values involved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from streaming.contracts.fields import Field
from streaming.contracts.keywords import ANNOTATIONS, BOUNDS, CHOICES, COMPOSED, EVENT_RULES, children
from streaming.contracts.validator import compiled

Mask = NDArray[np.bool_]
EXACT_FLOAT = 2**53  # from here on a whole number may have been rounded on its way into a float64
LONGEST = 2**31  # characters; no message holds a text as long
_TOGETHER = ("if", "then", "else")
_NAMING = COMPOSED | ANNOTATIONS | {"type", "properties", "required", "dependentRequired", "dependentSchemas"}


class Rule:
    """One restriction of an event's fields together."""

    def __init__(self, schema: Mapping[str, Any], fields: Sequence[Field]) -> None:
        """schema: of an event, with nothing but this restriction; fields: those it looks at."""
        self.names = tuple(field.name for field in fields)
        self._nested = tuple(field.kind == "json" for field in fields)
        self._allows = compiled(schema).is_valid

    def holds(self, columns: Sequence[Sequence[Any]], count: int) -> Mask:
        """In which rows the rule surely holds. columns: of `names`, Python values, JSON text of a nested one, UNSET if absent."""
        if not columns:
            return np.full(count, self._judge(()))
        known: dict[tuple[Any, ...], bool] = {}
        found = np.empty(count, dtype=bool)
        for place, row in enumerate(zip(*columns, strict=True)):
            verdict = known.get(row)
            if verdict is None:
                verdict = known[row] = self._judge(row)
            found[place] = verdict
        return found

    def _judge(self, row: tuple[Any, ...]) -> bool:
        if any(type(item) is float and abs(item) >= EXACT_FLOAT for item in row):
            return False
        items = zip(self.names, row, self._nested, strict=True)
        return self._allows({name: _value(item, nested) for name, item, nested in items if item is not UNSET})


def rules_of(document: Mapping[str, Any], fields: Sequence[Field]) -> list[Rule]:
    """All rules of a resolved schema that the types of the fast path do not hold."""
    alone = [Rule({"properties": {field.name: rest}}, [field]) for field in fields if (rest := _untyped(field))]
    return alone + [Rule(part, _involved(part, fields)) for part in parts_of(document)]


def is_native(field: Field, keyword: str) -> bool:
    """Whether the fast path holds a keyword of a field by its type, or by a check of the whole column."""
    if keyword in CHOICES:
        return field.choices is not None
    if keyword in BOUNDS:
        return field.choices is not None or abs(field.limits[keyword]) < EXACT_FLOAT or field.kind == "integer"
    if keyword == "format":
        return field.limits["format"] == "uuid" or (field.kind == "timestamp" and "pattern" not in field.limits)
    return keyword in ("type", "maxLength") or (keyword == "minLength" and field.limits[keyword] <= LONGEST)


def unknown_name(document: Mapping[str, Any]) -> str | None:
    """A name that a rule of the event looks at and that is no property; None if all are."""
    known = document.get("properties", {})
    return next((name for part in parts_of(document) for name in _names(part) if name not in known), None)


def _untyped(field: Field) -> dict[str, Any]:
    if field.kind == "json" or field.choices is not None:
        return {}  # a nested value is checked when it is parsed; choices were held to all else when the schema was read
    return {keyword: value for keyword, value in field.limits.items() if not is_native(field, keyword)}


def parts_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The event's rules, each a schema of its own: the fewer fields one looks at, the fewer combinations there are."""
    parts = [{keyword: document[keyword]} for keyword in sorted(EVENT_RULES - {*_TOGETHER, "allOf"}) if keyword in document]
    parts += [{"allOf": [part]} for part in document.get("allOf", [])]
    condition = {keyword: document[keyword] for keyword in _TOGETHER if keyword in document}
    return parts + [condition] if condition else parts


def names_of(part: Mapping[str, Any]) -> set[str] | None:
    """The fields that a rule of the event looks at; None where it looks at all of them, named or not."""
    return None if _counts_all(part) else set(_names(part))


def _involved(part: Mapping[str, Any], fields: Sequence[Field]) -> list[Field]:
    wanted = names_of(part)
    return list(fields) if wanted is None else list(compress(fields, [field.name in wanted for field in fields]))


def _counts_all(part: Any) -> bool:
    """Whether a schema of the event looks at fields that it does not name, e.g. maxProperties."""
    return not isinstance(part, bool) and (bool(set(part) - _NAMING) or any(_counts_all(child) for child in _of_event(part)))


def _names(part: Any) -> Iterable[str]:
    """Fields that a schema of the event names."""
    if isinstance(part, bool):
        return
    yield from part.get("properties", {})
    yield from part.get("required", [])
    for name, others in part.get("dependentRequired", {}).items():
        yield from (name, *others)
    yield from part.get("dependentSchemas", {})
    for child in _of_event(part):
        yield from _names(child)


def _of_event(part: Mapping[str, Any]) -> list[Any]:
    """Schemas in a schema of the event that are schemas of the event too, not of one of its fields."""
    composed = {keyword: value for keyword, value in part.items() if keyword in COMPOSED or keyword == "dependentSchemas"}
    return [child for _, child in children(composed)]


def _value(item: Any, nested: bool) -> Any:
    return json.loads(item) if nested and item is not None else item
