"""Keywords of a schema: one that is not understood is an error, never ignored."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from streaming.contracts.patterns import check_pattern
from streaming.contracts.vocabulary import EVENT_WORDS, FIELD_WORDS, RECORD
from streaming.errors import ContractError

ANNOTATIONS = frozenset({"title", "description", "$comment", "examples"})
BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
LENGTHS = frozenset({"minLength", "maxLength", "pattern"})
CHOICES = frozenset({"enum", "const"})
PLAIN = BOUNDS | LENGTHS | CHOICES | {"type", "multipleOf", "format"}
"""Keywords that restrict a value by themselves, whatever stands beside them."""
COMPOSED = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
EVENT_RULES = COMPOSED | {"dependentRequired", "dependentSchemas", "minProperties", "maxProperties"}
"""Keywords of the event itself that tie fields together."""
NESTED = (
    ANNOTATIONS
    | (PLAIN | EVENT_RULES)
    | {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}
    | {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"}
)
"""Keywords of a schema inside a rule, and of what lies inside a field of type object or array."""
FORMATS = frozenset({"date-time", "date", "time", "uuid", "ipv4", "ipv6"})
"""Formats on which jsonschema-rs, the `jsonschema` package and the official test suite agree (but for leap seconds: refused)."""

_WORDS = EVENT_WORDS | FIELD_WORDS | {RECORD}
MAPS = ("properties", "patternProperties", "dependentSchemas")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLE = ("items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not")
"""Keywords that hold schemas: by name, in a list, one alone."""


def check_keywords(found: Mapping[str, Any], known: Iterable[str], where: str, kind: str) -> None:
    """Raise ContractError if `found` uses a keyword not in `known`; the message suggests the nearest.

    Keywords that begin with x- and resemble none of ours belong to somebody else and may stand; one of ours in another place may not.
    """
    known = set(known)
    for keyword in found:
        if keyword in known:
            continue
        if keyword in _WORDS:
            raise ContractError(f"{where}: {keyword} does not belong to this {kind}; {_place_of(keyword)}")
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.75)
        if keyword.startswith("x-") and not near:
            continue
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(k for k in known if k[0] not in '$x'))}"
        raise ContractError(f"{where}: keyword {keyword!r} is not supported for a {kind}; {hint}")


def check_nested(schema: Any, where: str) -> None:
    """Check a schema inside another, and all that it holds. true and false may stand. Raises ContractError."""
    if isinstance(schema, bool):
        return
    check_keywords(schema, NESTED, where, "schema in a schema")
    check_texts(schema, where)
    for place, child in children(schema):
        check_nested(child, f"{where}/{place}")


def check_texts(schema: Mapping[str, Any], where: str) -> None:
    """Raise ContractError for a format or a regular expression in a schema that is not checked in the same way everywhere."""
    name = schema.get("format")
    if name is not None and name not in FORMATS:
        raise ContractError(f"{where}: format {name!r} is not supported; expected {', '.join(sorted(FORMATS))}, or use pattern")
    for pattern in [*([schema["pattern"]] if "pattern" in schema else []), *schema.get("patternProperties", {})]:
        check_pattern(pattern, where)


def _place_of(word: str) -> str:
    if word == RECORD:
        return "it marks a record of the service's own, which is no event; remove it"
    if word not in FIELD_WORDS:
        return "it stands at the top of an event's schema; move it there"
    return "it stands at a property of the event itself and counts for the whole of it; move it there (out of $defs, nested values, rules)"


def children(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Schemas that stand directly in a schema, each with its place.

    >>> children({"not": {"const": 1}, "properties": {"a": True}})
    [('properties/a', True), ('not', {'const': 1})]
    """
    found = [(f"{keyword}/{name}", child) for keyword in MAPS for name, child in schema.get(keyword, {}).items()]
    found += [(f"{keyword}/{place}", child) for keyword in LISTS for place, child in enumerate(schema.get(keyword, []))]
    return found + [(keyword, schema[keyword]) for keyword in SINGLE if keyword in schema]
