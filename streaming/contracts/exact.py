"""The exact path: one event at a time, strictly parsed, held to the schema by jsonschema-rs, every reason told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import msgspec

from streaming.contracts.fields import Field
from streaming.contracts.reasons import SHOWN_REASONS, Reason, pointer, shorten
from streaming.contracts.strict_json import parse

Row = tuple[Any, ...]


class ExactPath:
    """Decodes one event of a schema, or tells all that is wrong with it."""

    def __init__(self, document: Mapping[str, Any], fields: Sequence[Field]) -> None:
        """document: the JSON Schema; fields: of the same, in order. Raises ValueError if jsonschema-rs refuses it."""
        self._validator = jsonschema_rs.Draft202012Validator(dict(document), validate_formats=True)
        self._document, self._fields = document, fields
        self._places = {field.name: place for place, field in enumerate(fields)}

    def decode(self, value: bytes) -> tuple[Row, list[Reason]]:
        """One value for each field (str, int, float, bool, datetime in UTC, or None where null or absent), or reasons."""
        event, reasons = parse(value)
        if reasons:
            return (), reasons
        reasons = self._violations(event)
        if reasons:
            return (), reasons
        row = tuple(_converted(field, event.get(field.name)) for field in self._fields)
        reasons = [
            Reason(pointer(field.name), "format", shorten(event[field.name]), "date-time, year 1 to 9999 in UTC")
            for field, item in zip(self._fields, row, strict=True)
            if item is None and field.kind == "timestamp" and event.get(field.name) is not None
        ]
        return row, reasons

    def _violations(self, event: Any) -> list[Reason]:
        found: list[Reason] = []
        for error in self._validator.iter_errors(event):
            found += self._reasons(error, event)
            if len(found) >= SHOWN_REASONS:
                break
        # What is of the wrong type breaks its other rules too, which says nothing more.
        mistyped = {reason.path for reason in found if reason.rule == "type"}
        return sorted((r for r in found if r.rule == "type" or r.path not in mistyped), key=self._order)

    def _reasons(self, error: jsonschema_rs.ValidationError, event: Any) -> list[Reason]:
        rule, details = error.kind.name, error.kind.as_dict()
        if rule == "additionalProperties":
            names = details["unexpected"][:SHOWN_REASONS]
            return [Reason(pointer(name), rule, shorten(event[name])) for name in names]
        if rule == "required":
            return [Reason(pointer(details["property"]), rule)]
        expected: Any = self._document
        for part in error.schema_path:
            expected = expected[part]
        return [Reason(pointer(*error.instance_path), rule, shorten(error.instance), shorten(expected, 120))]

    def _order(self, reason: Reason) -> tuple[int, Reason]:
        return self._places.get(reason.path[1:], len(self._places)), reason


def _converted(field: Field, item: Any) -> Any:
    if item is None or field.kind in ("string", "boolean"):
        return item
    if field.kind == "integer":
        return int(item)  # JSON Schema counts 3.0 and 1e2 as integers
    return float(item) if field.kind == "number" else instant(item)


def instant(text: str) -> datetime | None:
    """RFC 3339 text as a time in UTC, microseconds; None where no such time is (a leap second, the year 0 or 10000).

    >>> instant("2026-01-01T01:00:00+01:00")
    datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None
