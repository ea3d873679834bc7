"""The verdict on one closed window of one scope: every measure against training and the windows before, alerts, and since when."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from streaming.drift.alert import Change, alert, identify
from streaming.drift.change_point import change_point
from streaming.drift.compare import SCORE, Subject, compare
from streaming.drift.diagnose import diagnose
from streaming.drift.limits import Limits
from streaming.drift.psi import all_bins
from streaming.drift.run import Run
from streaming.drift.samples import Samples, before, of_reference, of_window
from streaming.drift.scope import Scope
from streaming.drift.series import Key
from streaming.drift.window import Window
from streaming.metrics.records import Against, Alert, Drift, FeatureDrift, Measured, Reference

Compared = Mapping[Against, Mapping[Subject, dict[str, Measured]]]


class Judge:
    """Judges windows of one scope of a series.

    slice_name: the "column=value" that the scope is of, one that the reference names; empty for all events.
    """

    def __init__(self, key: Key, reference: Reference, limits: Limits, slice_name: str = "") -> None:
        self._key, self._reference, self._limits, self._slice = key, reference, limits, slice_name
        self._training = of_reference(reference, slice_name)

    def __call__(self, scope: Scope, window: Window) -> list[Drift | Alert]:
        """The verdict and its alerts; the scope, which changes, remembers the window and where each run stands."""
        now = of_window(window)
        compared = self._compared(scope, now)
        runs = {Subject("input_drift", name): run for name, run in scope.runs().items()} | {SCORE: scope.score_run()}
        changes = [self._change(scope, window, now, subject, compared, runs.get(subject, Run())) for subject in compared["training"]]
        alerts = [alert(self._key, window, change, self._slice) for change in changes if change.is_one]
        self._keep(scope, window, changes)
        return [self._drift(window, changes), *alerts]

    def _compared(self, scope: Scope, now: Samples) -> Compared:
        against: dict[Against, Samples] = {"training": self._training, **before(scope, self._limits.season_windows)}
        own = self._reference.thresholds
        return {name: compare(expected, now, self._limits, own_psi=own) for name, expected in against.items()}

    def _change(self, scope: Scope, window: Window, now: Samples, subject: Subject, compared: Compared, run: Run) -> Change:
        found = self._verdict(window, now, subject, {name: each[subject] for name, each in compared.items()}, run)
        after = run.after(drifted=found.drifted, start=window.start)
        # An end tells of the change that began it; a run that began before there were change points has none.
        changed_at = scope.changed.get(subject.label)
        if found.drifted:
            changed_at = changed_at or (self._changed_at(scope, window, subject) if run.since is None else run.since)
        return Change(
            subject=subject,
            found=replace(found, changed_at=changed_at if found.drifted else None),
            before=run,
            after=after,
            owner=self._reference.owners.get(subject.name, self._reference.owner),
            first_seen=scope.first_seen.get(subject.label),
            changed_at=changed_at,
            suggestion=self._suggestion(subject, now) if found.drifted else "",
            features=len(now.features),
        )

    def _verdict(
        self, window: Window, now: Samples, subject: Subject, measures: dict[Against, dict[str, Measured]], run: Run
    ) -> FeatureDrift:
        training = measures["training"]
        shifts = [name for name in self._limits.alert_on if name in training and training[name].drifted]
        name = max(shifts, key=lambda each: training[each].value / training[each].threshold, default="psi")
        told, drifted = training[name], bool(shifts)
        importance = self._importance(subject)
        weight = 1.0 if importance is None else importance * len(now.features)
        since = (run.since or window.start) if drifted else None
        current = (now.score if subject == SCORE else now.features[subject.name]).histogram
        impact = round(told.value / told.threshold * weight, 6)
        return FeatureDrift(
            name, told.value, told.threshold, drifted, since, current, measures=measures, importance=importance, impact=impact
        )

    def _importance(self, subject: Subject) -> float | None:
        known = self._reference.importance
        return known.get(subject.name, 0.0) if known and subject != SCORE else None

    def _changed_at(self, scope: Scope, window: Window, subject: Subject) -> str:
        """Start of the first window after the likeliest change; this window's where none is sure."""
        own = window.score if subject == SCORE else window.features[subject.name]
        row = [past.score if subject == SCORE else past.features[subject.name] for past in scope.past]
        found = change_point([*row, all_bins(own)])
        if found is None or found.p_value > self._limits.false_share:
            return window.start
        return [*(past.start for past in scope.past), window.start][found.first]

    def _suggestion(self, subject: Subject, now: Samples) -> str:
        if subject == SCORE:
            return "look at the features that lead this window's verdict; if none does, at several together"
        bins = self._reference.bins[subject.name]
        return diagnose(bins, self._training.features[subject.name], now.features[subject.name])

    def _keep(self, scope: Scope, window: Window, changes: list[Change]) -> None:
        runs = {change.feature: change.after for change in changes if change.subject != SCORE}
        score = next(change.after for change in changes if change.subject == SCORE)
        scope.keep(runs, score)
        running = [change for change in changes if change.after.since]
        scope.changed = {change.subject.label: change.changed_at for change in running if change.changed_at}
        scope.first_seen = {change.subject.label: change.first_seen or window.end for change in running}
        scope.remember(window, self._limits.season_windows)

    def _drift(self, window: Window, changes: list[Change]) -> Drift:
        found = {change.subject: change.found for change in changes}
        features = {subject.name: each for subject, each in found.items() if subject != SCORE}
        drifted = [name for name, each in features.items() if each.drifted]
        named = (self._slice,) if self._slice else ()
        return Drift(
            id=identify("drift", *self._key, window.start, window.end, *named),
            at=window.at,
            **self._key._asdict(),
            window_start=window.start,
            window_end=window.end,
            events=window.events,
            features=features,
            score=found[SCORE],
            slice=self._slice,
            leading=sorted(drifted, key=lambda name: -features[name].impact),
        )
