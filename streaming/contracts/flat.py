"""Why a flat event is rejected, told without judging the whole event: each value alone, and what is often seen only once.

Bad events come in floods that break the same rules with the same values. What this path tells is what the exact path
tells, reason for reason; what it cannot tell so (JSON that is none, nested values, doubled keys, rules that tie fields
together and do not hold) it leaves to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from streaming.contracts.fields import Field
from streaming.contracts.keywords import EVENT_RULES
from streaming.contracts.reasons import SHOWN_REASONS, Reason, pointer
from streaming.contracts.strict_json import MAX_INTEGER
from streaming.contracts.validator import compiled

Violations = Callable[[Any, dict[str, Any]], list[Reason]]
KNOWN = 20_000  # verdicts remembered, of names and values of at most KNOWN_LENGTH characters together; then all are forgotten
KNOWN_LENGTH = 120
_MIN_INTEGER = -(2**63)


class FlatPath:
    """Tells the reasons of events of one schema whose values are all scalars."""

    def __init__(self, document: Mapping[str, Any], fields: Sequence[Field], violations: Violations) -> None:
        """document: the resolved JSON Schema; fields: of it; violations: of an event under a validator, as reasons."""
        rules = {keyword: document[keyword] for keyword in EVENT_RULES if keyword in document}
        self._rules_hold = compiled(rules).is_valid if rules else None
        self._required = frozenset(document.get("required", []))
        self._most = len(fields) + SHOWN_REASONS  # with as many fields, more are unknown than reasons are told here
        self._known = _Verdicts(document, fields, violations)

    @property
    def remembered(self) -> int:
        """How many verdicts on values are remembered, at most KNOWN."""
        return len(self._known)

    def reasons(self, value: bytes) -> list[Reason]:
        """All reasons why these bytes are no valid event, in no order; none if it is valid, or for the exact path to say."""
        try:
            event = msgspec.json.decode(value)
            if type(event) is not dict or len(event) >= self._most or not _is_plain(value, event):
                return []
            keys = zip(event, map(type, event.values()), event.values(), strict=True)
            reasons = list(islice(chain.from_iterable(map(self._known.__getitem__, keys)), SHOWN_REASONS))
            if not self._required <= event.keys():
                reasons += [Reason(pointer(name), "required") for name in self._required - event.keys()]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, OverflowError):
            return []  # no JSON; an unhashable, so a nested value; an integer that is no 64-bit one
        if len(reasons) >= SHOWN_REASONS or not (self._rules_hold is None or self._rules_hold(event)):
            return []
        return reasons


class _Verdicts(dict[tuple[str, type, Any], Sequence[Reason]]):
    """What is wrong with a value of a field: by name, type (1, 1.0 and True are equal) and value."""

    def __init__(self, document: Mapping[str, Any], fields: Sequence[Field], violations: Violations) -> None:
        super().__init__()
        alone = {keyword: document[keyword] for keyword in ("type", "properties", "additionalProperties") if keyword in document}
        self._validator, self._violations = compiled(alone), violations
        self._allows = {field.name: compiled(field.limits).is_valid for field in fields}
        self._few = frozenset(field.name for field in fields if field.choices is not None or field.kind in ("integer", "boolean"))

    def __missing__(self, key: tuple[str, type, Any]) -> Sequence[Reason]:
        name, kind, item = key
        if kind is int and not _MIN_INTEGER <= item <= MAX_INTEGER:
            raise OverflowError(name)
        allows = self._allows.get(name)
        found = () if allows is not None and allows(item) else tuple(self._violations(self._validator, {name: item}))
        # Good values that hardly come again are not kept, nor is 0.0: it equals -0.0 and is told otherwise.
        length = len(name) + (len(item) if kind is str else 0)
        if (found or name in self._few) and length <= KNOWN_LENGTH and not (kind is float and item == 0):
            if len(self) >= KNOWN:
                self.clear()
            self[key] = found
        return found


def _is_plain(value: bytes, event: dict[str, Any]) -> bool:
    """Whether no key is doubled and no text holds a NUL. Escaped quotation marks pass for doubled keys."""
    texts = list(map(type, event.values())).count(str)
    return value.count(b'"') == 2 * (len(event) + texts) and b"\\u0000" not in value
