"""The exact path: one event at a time, strictly parsed, held to the schema by jsonschema-rs, every reason told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import jsonschema_rs

from streaming.contracts.alone import Alone
from streaming.contracts.fields import Field
from streaming.contracts.flat import FlatPath
from streaming.contracts.keywords import LISTS, MAPS
from streaming.contracts.nested import canonical
from streaming.contracts.reasons import SHOWN_REASONS, Reason, clip, pointer, shorten
from streaming.contracts.strict_json import parse
from streaming.contracts.validator import compiled, instant

Row = tuple[Any, ...]
_ONCE = ("anyOf", "oneOf", "propertyNames")
_CONTAINS = ("contains", "minContains", "maxContains")
LARGE = 2000  # values of an event from which on only its first reason is told
SHOWN_RULE = 120  # characters of a schema's rule that a reason shows


class ExactPath:
    """Decodes one event of a schema, or tells all that is wrong with it."""

    def __init__(self, document: Mapping[str, Any], fields: Sequence[Field]) -> None:
        """document: the resolved JSON Schema; fields: of the same, in order. Raises ValueError if jsonschema-rs refuses it."""
        self._allows, self._validator = compiled(document).is_valid, compiled(document, once=_ONCE)
        self._document, self._fields = document, fields
        self._places = {field.name: place for place, field in enumerate(fields)}
        self.flat = FlatPath(document, fields, self._violations)
        self.alone = Alone(document, self._violations)

    def decode(self, value: bytes) -> tuple[Row, list[Reason]]:
        """One value for each field (str, int, float, bool, datetime in UTC, or None where null or absent), or reasons."""
        reasons = self.flat.reasons(value)
        return ((), sorted(reasons, key=self._order)) if reasons else self.decode_whole(value)

    def decode_whole(self, value: bytes) -> tuple[Row, list[Reason]]:
        """As `decode`, and slower: strictly parsed and judged as a whole, whatever the event is like."""
        event, reasons = parse(value)
        reasons = reasons or self._broken(event)
        if reasons:
            return (), reasons
        return tuple(_converted(field, event.get(field.name)) for field in self._fields), []

    def _violations(self, validator: jsonschema_rs.Draft202012Validator, event: Any) -> list[Reason]:
        found: list[Reason] = []
        for error in validator.iter_errors(event):
            found += self._reasons(error, event)
            if len(found) >= SHOWN_REASONS:
                break
        # What is of the wrong type breaks its other rules too, which says nothing more.
        mistyped = {reason.path for reason in found if reason.rule == "type"}
        return sorted((r for r in found if r.rule == "type" or r.path not in mistyped), key=self._order)

    def _broken(self, event: Any) -> list[Reason]:
        """What is wrong; with very many values only the first: all errors are made before one is seen, tens of µs for each."""
        if self._allows(event):
            return []
        if not _is_large(event):
            return self._violations(self._validator, event)
        try:
            self._validator.validate(event)
        except jsonschema_rs.ValidationError as error:
            return self._reasons(error, event)
        return []

    def _reasons(self, error: jsonschema_rs.ValidationError, event: Any) -> list[Reason]:
        rule, details, place = _rule(error), error.kind.as_dict(), error.instance_path
        instance: Any = error.instance
        if rule == "additionalProperties":
            if "unexpected" not in details:  # it stands alone, where jsonschema-rs tells one error and the first value
                instance = event
                for part in place:
                    instance = instance[part]
            names = islice(details.get("unexpected", instance), SHOWN_REASONS)
            return [Reason(pointer(*place, name), rule, shorten(instance[name])) for name in names]
        if rule in ("required", "dependentRequired"):
            return [Reason(pointer(*place, details["property"]), rule)]
        expected: Any = self._document
        for part in error.schema_path[:-1] if rule == "contains" else error.schema_path:
            expected = expected[part]
        if rule == "propertyNames" and expected is False:
            rule = "falseSchema"
        elif rule == "contains":
            expected = {keyword: expected[keyword] for keyword in _CONTAINS if keyword in expected}
        return [Reason(pointer(*place), rule, shorten(instance), clip(json.dumps(expected), SHOWN_RULE))]

    def _order(self, reason: Reason) -> tuple[int, Reason]:
        return self._places.get(reason.path[1:].split("/")[0], len(self._places)), reason


def _is_large(event: Any) -> bool:
    """Whether an event holds more values than LARGE, at any depth."""
    count, stack = 0, [event]
    while stack and count <= LARGE:
        node = stack.pop()
        if isinstance(node, dict | list):
            count += len(node)
            stack += [item for item in (node.values() if isinstance(node, dict) else node) if isinstance(item, dict | list)]
    return count > LARGE


def _rule(error: jsonschema_rs.ValidationError) -> str:
    """The keyword that is broken; falseSchema where no value is allowed at all."""
    rule = _keyword(error.schema_path)
    if error.kind.name == "falseSchema" and rule != "additionalProperties":
        return "falseSchema"
    return "contains" if rule in _CONTAINS else rule


def _keyword(schema_path: Iterable[str | int]) -> str:
    """The keyword that a path through a schema ends at; a name or place below it is none.

    >>> _keyword(["properties", "items", "additionalProperties"]), _keyword(["properties", "additionalProperties"])
    ('additionalProperties', 'properties')
    """
    keyword, parts = "", iter(schema_path)
    for part in parts:
        keyword = str(part)
        if keyword in MAPS or keyword in LISTS:
            next(parts, None)
    return keyword


def _converted(field: Field, item: Any) -> Any:
    if item is None or field.kind in ("string", "boolean"):
        return item
    if field.kind == "integer":
        return int(item)  # JSON Schema counts 3.0 and 1e2 as integers
    if field.kind == "json":
        return canonical(item)
    return float(item) if field.kind == "number" else instant(item)
