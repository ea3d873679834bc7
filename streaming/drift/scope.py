"""What the drift job remembers of one scope, all events of a series or one slice of them, between its windows."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from streaming.drift.psi import all_bins
from streaming.drift.run import Run
from streaming.drift.window import Window


class Past(msgspec.Struct, frozen=True):
    """A closed window as it is remembered: counts alone, missing and unseen values as the last two bins."""

    start: str
    features: dict[str, list[int]]
    score: list[int]


class Scope(msgspec.Struct):
    """State of one scope. `since`: start of the present run of drifted windows, by feature; `score_since` of the score.

    `quiet`: the features, and `score_quiet` the score, whose run goes on though their last window was quiet.
    A field is added with a default and never changed, so that this release reads the states of those before it.
    """

    window: Window | None = None
    since: dict[str, str] = {}
    score_since: str | None = None
    quiet: list[str] = []
    score_quiet: bool = False
    past: list[Past] = []
    """the last windows, oldest first; no more than a season of them"""
    quantiles: dict[str, bytes] = {}
    """KLL sketches of the last window; those of older ones would be most of the memory"""
    score_quantiles: bytes = b""
    changed: dict[str, str] = {}
    """kind and name of what is in a run → likeliest time of its change"""
    first_seen: dict[str, str] = {}
    """likewise → end of the window that raised its alert"""

    def runs(self) -> dict[str, Run]:
        """The features' runs, by feature; those without one are not in it."""
        return {name: Run(since, name in self.quiet) for name, since in self.since.items()}

    def score_run(self) -> Run:
        """The score's run."""
        return Run(self.score_since, self.score_quiet)

    def keep(self, runs: Mapping[str, Run], score: Run) -> None:
        """Remember runs, by feature, and the score's, instead of those before."""
        self.since = {name: run.since for name, run in runs.items() if run.since is not None}
        self.quiet = [name for name, run in runs.items() if run.quiet]
        self.score_since, self.score_quiet = score

    def forget(self) -> None:
        """What another model file did says nothing of the next: runs and windows end."""
        self.keep({}, Run())
        self.past, self.quantiles, self.score_quantiles, self.changed, self.first_seen = [], {}, b"", {}, {}

    def remember(self, window: Window, most: int) -> None:
        """Put a closed window into the past, which keeps `most`."""
        features = {name: all_bins(histogram) for name, histogram in window.features.items()}
        self.past = [*self.past, Past(window.start, features, all_bins(window.score))][-most:]
        self.quantiles, self.score_quantiles = window.quantiles, window.score_quantiles
