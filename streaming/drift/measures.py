"""Every measure by its name: what it needs, and the size from which it is a shift worth a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from streaming.drift.chi_squared import chi_squared
from streaming.drift.hellinger import hellinger
from streaming.drift.jensen_shannon import jensen_shannon
from streaming.drift.ks import ks
from streaming.drift.l_infinity import l_infinity
from streaming.drift.proportion import missing_share, unseen_share
from streaming.drift.psi import all_bins, psi
from streaming.drift.sample import Found, Sample
from streaming.drift.wasserstein import wasserstein
from streaming.settings import DriftMeasure

Measure = DriftMeasure
MEASURES: tuple[Measure, ...] = get_args(Measure)
THRESHOLDS: Mapping[Measure, float] = {
    "psi": 0.2,
    "ks": 0.2,
    "jensen_shannon": 0.035,  # what a PSI of 0.2 comes to: PSI is about 8 ln 2 times it for small moves
    "hellinger": 0.16,  # likewise: its square is about PSI / 8
    "wasserstein": 0.3,
    "chi_squared": 0.45,  # likewise: about the root of PSI
    "l_infinity": 0.15,
    "missing_share": 0.02,
    "unseen_share": 0.01,
}
"""docs/drift-measures.md says where each comes from"""


def figures(expected: Sample, actual: Sample) -> dict[Measure, Found]:
    """All measures of one feature that its samples allow; those of KLL sketches are absent where a side has none.

    expected, actual: over the same bins, each of at least one event.
    """
    return dict(_figures(expected, actual))


def _figures(expected: Sample, actual: Sample) -> Iterator[tuple[Measure, Found]]:
    before, now = all_bins(expected.histogram), all_bins(actual.histogram)
    test = chi_squared(before, now)
    yield "psi", Found(psi(before, now), test.p_value)
    yield "jensen_shannon", Found(jensen_shannon(before, now), test.p_value)
    yield "hellinger", Found(hellinger(before, now), test.p_value)
    yield "chi_squared", test
    yield "l_infinity", Found(l_infinity(before, now)[0], test.p_value)
    yield "missing_share", missing_share(expected.histogram, actual.histogram)
    yield "unseen_share", unseen_share(expected.histogram, actual.histogram)
    if expected.points is not None and actual.points is not None:
        found = ks(expected.points, actual.points)
        yield "ks", found
        # Wasserstein's distance has no test without a distribution: that the two differ at all, KS tells.
        yield "wasserstein", wasserstein(expected.points, actual.points)._replace(p_value=found.p_value)
