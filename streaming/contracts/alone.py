"""What is wrong with one value of one field, whatever else its event holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from streaming.contracts.reasons import SHOWN_REASONS, Reason, pointer
from streaming.contracts.strict_json import parse
from streaming.contracts.validator import compiled

KNOWN = 20_000  # values whose reasons are remembered; then all are forgotten
LONGEST_VALUE = 120  # bytes of a value that is judged alone
_Violations = Callable[[Any, dict[str, Any]], list[Reason]]


class Alone:
    """Tells what is wrong with values of single fields."""

    def __init__(self, document: Mapping[str, Any], violations: _Violations) -> None:
        """document: the resolved JSON Schema; violations: of an event under a validator, as reasons."""
        self._known = _Known(document, violations)

    @property
    def remembered(self) -> int:
        """How many values' reasons are remembered, at most KNOWN."""
        return len(self._known)

    def reasons(self, name: str, texts: Iterable[bytes]) -> list[Sequence[Reason]]:
        """All reasons why each JSON text is no value of a field; none where it is one, or where only the whole event tells.

        An empty text is a field that is missing.
        """
        return list(map(self._known.__getitem__, zip(repeat(name), texts)))


class _Known(dict[tuple[str, bytes], Sequence[Reason]]):
    """Reasons by name and text."""

    def __init__(self, document: Mapping[str, Any], violations: _Violations) -> None:
        super().__init__()
        kept = {keyword: document[keyword] for keyword in ("type", "properties", "additionalProperties") if keyword in document}
        self._validator, self._violations = compiled(kept), violations
        self._required = frozenset(document.get("required", []))

    def __missing__(self, key: tuple[str, bytes]) -> Sequence[Reason]:
        if len(key[1]) > LONGEST_VALUE:
            return []
        if len(self) >= KNOWN:
            self.clear()
        found = self[key] = self._judged(*key)
        return found

    def _judged(self, name: str, text: bytes) -> Sequence[Reason]:
        if not text:
            return [Reason(pointer(name), "required")] if name in self._required else []
        event, reasons = parse(b"{" + json.dumps(name).encode() + b":" + text + b"}")
        found = reasons or self._violations(self._validator, event)
        return found if len(found) < SHOWN_REASONS and all(reason.path for reason in found) else []
