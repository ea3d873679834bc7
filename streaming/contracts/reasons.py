"""Why an event is rejected: a closed set of rules, and one reason."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from streaming.contracts.keywords import PLAIN

# Rules of the bytes and of the envelope, told before or beside the schema's own.
ENVELOPE_RULES = frozenset(
    {"null_value", "empty_value", "too_large", "unknown_schema_version", "future_time", "wire_format", "unknown_schema_id"}
)
JSON_RULES = frozenset({"encoding", "json", "duplicate_key", "number_range", "nul_character", "depth"})
# JSON Schema keywords that a contract may use to restrict a value; falseSchema: no value is allowed there.
SCHEMA_RULES = frozenset(
    PLAIN
    | {"required", "dependentRequired", "additionalProperties", "propertyNames", "minProperties", "maxProperties"}
    | {"minItems", "maxItems", "uniqueItems", "contains"}
    | {"anyOf", "oneOf", "not", "falseSchema"}
)
# Rules of later stages: the event does not fit the version that the model reads; the same event was scored with other bytes;
# the model could not score the row.
LATER_RULES = frozenset({"schema_version", "event_conflict", "scoring"})
RULES = ENVELOPE_RULES | JSON_RULES | SCHEMA_RULES | LATER_RULES

SHOWN_VALUE = 60  # characters of a value that a reason shows
SHOWN_NAME = 120  # characters of a field's name in a path: a name comes from the producer and may be megabytes
SHOWN_REASONS = 50  # reasons kept for one event
_ENCODER = json.JSONEncoder(default=str)


class Reason(msgspec.Struct, frozen=True, order=True):
    """One broken rule. path: JSON Pointer, "" for the whole event; rule: of RULES; value: what was found, as short JSON."""

    path: str
    rule: str
    value: str = ""
    expected: str = ""

    @property
    def message(self) -> str:
        """One line for a person.

        >>> Reason("/tenure", "minimum", "-1", "0").message
        '/tenure: minimum 0, found -1'
        """
        place = f"{self.path}: " if self.path else ""
        expected = f" {self.expected}" if self.expected else ""
        found = f", found {self.value}" if self.value else ""
        return f"{place}{self.rule}{expected}{found}"


def message_of(reasons: Sequence[Reason]) -> str:
    """One line for all reasons of an event: the first in full, the number of the others.

    >>> message_of([Reason("/a", "required"), Reason("/b", "required")])
    '/a: required (1 more)'
    """
    more = f" ({len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return reasons[0].message + more


def pointer(*parts: object) -> str:
    """JSON Pointer (RFC 6901) of a place, long names shortened.

    >>> pointer("a/b", 0)
    '/a~1b/0'
    """
    return "".join("/" + printable(str(part)[:SHOWN_NAME]).replace("~", "~0").replace("/", "~1") for part in parts)


def shorten(value: object, limit: int = SHOWN_VALUE) -> str:
    """A JSON value as text of at most `limit` characters, without the cost of a large one.

    >>> shorten("x" * 100, 8)
    '"xxxxxx…'
    """
    if isinstance(value, dict | list):
        return f"{'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    if isinstance(value, str):
        value = value[: limit + 1]
    text = str(value) if isinstance(value, int) and value.bit_length() > 64 else _ENCODER.encode(value)
    return clip(text.replace("\x7f", "\\u007f"), limit)  # the one control character that JSON leaves as it is


def clip(text: str, limit: int) -> str:
    """The first `limit` characters of a text, the last of them … where some are missing.

    >>> clip("tenure", 4)
    'ten…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    r"""Text that UTF-8, a log line and PostgreSQL can hold: control characters and lone surrogates escaped.

    >>> printable(chr(0) + "a")
    '\\u0000a'
    """
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
