"""Schema ids that the registry did not know a moment ago: they go into the next plans, which would otherwise be revised each time."""

from __future__ import annotations

import time
from collections.abc import Iterable

_MOST = 10_000  # a plan travels to every task; ids beyond these are decided again by a revision


class UnknownIds:
    """Ids as texts, for as long as an answer "no such id" is believed."""

    def __init__(self, believed_s: float) -> None:
        self._believed_s = believed_s
        self._told: dict[str, float] = {}

    def add(self, ids: Iterable[str]) -> None:
        """Remember answers that came just now."""
        now = time.monotonic()
        for name in ids:
            self._told.pop(name, None)
            self._told[name] = now
        for old in list(self._told)[:-_MOST]:
            del self._told[old]

    def now(self) -> tuple[str, ...]:
        """Those still believed."""
        since = time.monotonic() - self._believed_s
        self._told = {name: at for name, at in self._told.items() if at > since}
        return tuple(sorted(self._told))
