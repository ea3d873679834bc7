"""What the drift job remembers of the rejections of one deployment, between records."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Rejections(msgspec.Struct):
    """What is remembered of the rejections of one deployment: its open window, the reasons known, and the run over the threshold.

    start, end: plan times of the window's first and last batch, RFC 3339; at: when its last batch ended. Events that a
    replay sent again are in none of these counts: an incident's mend is no second incident.
    """

    start: str = ""
    end: str = ""
    at: str = ""
    events: int = 0
    rejected: int = 0
    by_reason: dict[str, int] = {}
    """at least so many: in a batch with replayed events, it is not told which reasons are theirs"""
    known: list[str] = []
    windows: int = 0
    """windows closed so far"""
    since: str | None = None
    quiet: bool = False

    @property
    def length_s(self) -> float:
        """Seconds from the first batch's plan time to the last one's."""
        return (datetime.fromisoformat(self.end) - datetime.fromisoformat(self.start)).total_seconds()
