"""Detectors for the proof: each is fitted on a reference and then says of a window whether it drifted.

Add one as a function `reference -> (window -> bool)` to DETECTORS.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyarrow as pa
from scipy import stats

from streaming.drift.concept import holm
from streaming.drift.domain_classifier import domain_classifier
from streaming.drift.psi import all_bins, chance_limit, psi
from streaming.drift.reconstruction import fit_reconstruction, reconstruction_drift
from streaming.metrics.sketches import count
from streaming.models.artifact import Feature
from streaming.models.reference import freeze

ALPHA = 0.05  # configured probability of a false alarm of a window
THRESHOLD = 0.2

Detector = Callable[[pd.DataFrame], bool]


def psi_detector(reference: pd.DataFrame) -> Detector:
    """What the drift job does: PSI on frozen bins above 0.2, and above what chance can do, in any feature."""
    kinds = {name: "numeric" if pd.api.types.is_numeric_dtype(reference[name]) else "categorical" for name in reference.columns}
    frozen = {name: freeze(Feature(name, kind), pa.array(reference[name], from_pandas=True)) for name, kind in kinds.items()}

    def drifted(window: pd.DataFrame) -> bool:
        for name, known in frozen.items():
            bins = all_bins(known.counts), all_bins(count(known.bins, pa.array(window[name], from_pandas=True)))
            if psi(*bins) > max(THRESHOLD, chance_limit(*bins)):
                return True
        return False

    return drifted


def tests_detector(reference: pd.DataFrame) -> Detector:
    """KS of each number and chi-squared of each text, exact values, with Holm over the features."""

    def p_value(name: str, window: pd.DataFrame) -> float:
        if pd.api.types.is_numeric_dtype(reference[name]):
            return float(stats.ks_2samp(reference[name].dropna(), window[name].dropna()).pvalue)
        table = pd.concat([reference[name].value_counts(), window[name].value_counts()], axis=1).fillna(0).to_numpy()
        return float(stats.chi2_contingency(table).pvalue)

    return lambda window: min(holm([p_value(name, window) for name in reference.columns])) < ALPHA


def pca_detector(reference: pd.DataFrame) -> Detector:
    """PCA reconstruction error."""
    fitted = fit_reconstruction(reference)
    return lambda window: reconstruction_drift(fitted, window, alpha=ALPHA).drifted


def classifier_detector(reference: pd.DataFrame) -> Detector:
    """Domain classifier, against 1,000 rows of the reference."""
    sample = reference.iloc[:1000]
    return lambda window: domain_classifier(sample, window, alpha=ALPHA).drifted


DETECTORS: dict[str, Callable[[pd.DataFrame], Detector]] = {
    "psi": psi_detector,
    "ks + chi-squared, Holm": tests_detector,
    "pca reconstruction": pca_detector,
    "domain classifier": classifier_detector,
}
