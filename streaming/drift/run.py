"""A run of drifted windows of one feature: begins with the first, ends when it was quiet twice in a row."""

from __future__ import annotations

from typing import NamedTuple


class Run(NamedTuple):
    """Where a feature stands between two windows.

    since: start of the run's first window, RFC 3339; None: no run. quiet: the last window was within the threshold.
    """

    since: str | None = None
    quiet: bool = False

    def after(self, *, drifted: bool, start: str) -> Run:
        """Where it stands after one more window, which starts at `start`.

        A feature whose measure lies about the threshold crosses it with every other window: one quiet window ends nothing.

        >>> run = Run().after(drifted=True, start="10:00").after(drifted=False, start="11:00")
        >>> run
        Run(since='10:00', quiet=True)
        >>> run.after(drifted=True, start="12:00"), run.after(drifted=False, start="12:00")
        (Run(since='10:00', quiet=False), Run(since=None, quiet=False))
        """
        if drifted:
            return Run(self.since or start)
        return Run() if self.since is None or self.quiet else Run(self.since, quiet=True)
