"""Two samples of every feature and of the score: each measure's figure, and whether it is a shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from streaming.drift.limits import Limits
from streaming.drift.measures import MEASURES, Measure, figures
from streaming.drift.multiple_testing import benjamini_hochberg
from streaming.drift.psi import all_bins, chance_limit
from streaming.drift.sample import Found, Sample
from streaming.drift.samples import Samples
from streaming.metrics.records import Measured

Kind = Literal["input_drift", "output_drift"]


class Subject(NamedTuple):
    """What is compared: a feature, or the score."""

    kind: Kind
    name: str

    @property
    def label(self) -> str:
        """Kind and name as one text: a feature may be called score too."""
        return f"{self.kind}/{self.name}"


SCORE = Subject("output_drift", "score")


def compare(
    expected: Samples, actual: Samples, limits: Limits, *, own_psi: Mapping[str, float] | None = None
) -> dict[Subject, dict[str, Measured]]:
    """Every measure of every subject, by its name.

    own_psi: PSI thresholds by feature, which stand above the limits'. A measure is a shift where its value is above the threshold,
    its p-value, adjusted over all subjects of the same measure, at most `false_share`, and both samples are of `min_events`: with a
    million events everything is significant, and with thirty everything is large.
    """
    pairs = {Subject("input_drift", name): (expected.features[name], now) for name, now in actual.features.items()}
    pairs[SCORE] = expected.score, actual.score
    found = {subject: figures(*pair) for subject, pair in pairs.items()}
    adjusted = {measure: _adjusted(found, measure) for measure in MEASURES}

    def measured(subject: Subject, measure: Measure, figure: Found) -> Measured:
        threshold = limits.threshold(measure)
        if measure == "psi":
            threshold = _psi_threshold(pairs[subject], threshold if subject == SCORE else (own_psi or {}).get(subject.name, threshold))
        p_value = adjusted[measure].get(subject.label)
        enough = min(sample.histogram.total for sample in pairs[subject]) >= limits.min_events
        drifted = enough and figure.value > threshold and (p_value is None or p_value <= limits.false_share)
        told = None if p_value is None else float(f"{p_value:.4g}")
        return Measured(round(figure.value, 6), round(threshold, 6), told, round(figure.error, 6), drifted)

    return {subject: {measure: measured(subject, measure, figure) for measure, figure in each.items()} for subject, each in found.items()}


def _adjusted(found: Mapping[Subject, Mapping[Measure, Found]], measure: Measure) -> dict[str, float]:
    p_values = {subject.label: each[measure].p_value for subject, each in found.items() if measure in each}
    return benjamini_hochberg({label: p_value for label, p_value in p_values.items() if p_value is not None})


def _psi_threshold(pair: tuple[Sample, Sample], threshold: float) -> float:
    """PSI against the threshold, or against what chance can do where a small window makes that larger."""
    before, now = pair
    return max(threshold, chance_limit(all_bins(before.histogram), all_bins(now.histogram)))
