"""Whether an event can keep its contract at all, as far as the presence of its fields tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streaming.contracts.keywords import ANNOTATIONS
from streaming.contracts.rules import parts_of

Verdict = bool | None
"""Of a rule: True holds for every event, False for none, None for some."""


def impossible_rule(document: Mapping[str, Any]) -> str | None:
    """The keyword of a rule that no event keeps, because it asks for a field that is none; None if there is none such.

    document: resolved, with the properties of one environment only.

    >>> impossible_rule({"properties": {"a": {}}, "allOf": [{"required": ["b"]}]})
    'allOf'
    >>> impossible_rule({"properties": {"a": {}}, "if": {"required": ["b"]}, "then": {"required": ["c"]}})
    """
    known, sure = frozenset(document["properties"]), frozenset(document.get("required", []))
    return next((next(iter(part)) for part in parts_of(document) if _Presence(known, sure).verdict(part) is False), None)


class _Presence:
    """Judges rules by the names of the fields that an event can have, and of those that it must have."""

    def __init__(self, known: frozenset[str], sure: frozenset[str]) -> None:
        self._known, self._sure = known, sure

    def verdict(self, schema: Any) -> Verdict:
        """Of a schema of the event."""
        if isinstance(schema, bool):
            return schema
        return _all([self._keyword(keyword, value) for keyword, value in schema.items()] + [self._condition(schema)])

    def _keyword(self, keyword: str, value: Any) -> Verdict:
        if keyword in ANNOTATIONS or keyword in ("if", "then", "else") or keyword.startswith("x-"):
            return True
        if keyword == "required":
            return _all(map(self._there, value))
        if keyword == "dependentRequired":
            return _all(_implied(self._there(name), _all(map(self._there, others))) for name, others in value.items())
        if keyword == "dependentSchemas":
            return _all(_implied(self._there(name), self.verdict(part)) for name, part in value.items())
        if keyword == "properties":
            return _all(_implied(self._there(name), part if isinstance(part, bool) else None) for name, part in value.items())
        if keyword == "minProperties":
            return True if value <= len(self._sure) else False if value > len(self._known) else None
        if keyword == "maxProperties":
            return True if value >= len(self._known) else False if value < len(self._sure) else None
        return self._composed(keyword, value)

    def _composed(self, keyword: str, value: Any) -> Verdict:
        if keyword == "not":
            return _inverse(self.verdict(value))
        found = [self.verdict(part) for part in value] if keyword in ("allOf", "anyOf", "oneOf") else []
        if keyword == "allOf":
            return _all(found)
        if keyword == "anyOf":
            return _inverse(_all(map(_inverse, found)))
        if keyword == "oneOf":
            at_most_one = found.count(True) < 2
            return (
                (True if found.count(False) == len(found) - 1 and True in found else None)
                if at_most_one and set(found) != {False}
                else False
            )
        return None

    def _condition(self, schema: Mapping[str, Any]) -> Verdict:
        if "if" not in schema:
            return True
        cause = self.verdict(schema["if"])
        then, other = self.verdict(schema.get("then", True)), self.verdict(schema.get("else", True))
        return _all([_implied(cause, then), _implied(_inverse(cause), other)]) if then is not other else then

    def _there(self, name: str) -> Verdict:
        return False if name not in self._known else True if name in self._sure else None


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return False if False in found else None if None in found else True


def _inverse(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _implied(cause: Verdict, effect: Verdict) -> Verdict:
    return True if cause is False or effect is True else effect if cause is True else None
