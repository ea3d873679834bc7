"""Telco customers as the scoring job would tell of them: reference of a model trained on the training part, and batches."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from drift_records import KEY, group, metrics, reference
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from streaming.drift.detect import Limits, take
from streaming.drift.series import Series
from streaming.local.telco import CATEGORICAL, NUMERIC, POSITIVE, TARGET, load_telco, split
from streaming.metrics import kll
from streaming.metrics.records import Alert, Drift, Metrics, Reference
from streaming.metrics.sketches import count, places
from streaming.metrics.slices import quantile_sketches, sliced
from streaming.models.artifact import Feature
from streaming.models.reference import freeze, freeze_scores, freeze_slices

EVENTS = 100  # in a batch
FEATURES = [*(Feature(name, "numeric") for name in NUMERIC), *(Feature(name, "categorical") for name in CATEGORICAL)]


class Telco:
    """A model of the training part, its reference, and what it observes of any customers."""

    def __init__(self, path: Path) -> None:
        frame = load_telco(path)
        self.training, self.held_out = split(frame)
        self._levels = {name: sorted(frame[name].unique()) for name in CATEGORICAL}
        classifier = HistGradientBoostingClassifier(max_iter=30, random_state=0)
        labels = self.training[TARGET] == POSITIVE
        out_of_fold = cross_val_predict(classifier, self._codes(self.training), labels, cv=3, method="predict_proba")[:, 1]
        self._model = classifier.fit(self._codes(self.training), labels)
        frozen = {feature.name: freeze(feature, pa.array(self.training[feature.name])) for feature in FEATURES}
        score = freeze_scores(out_of_fold)
        self.reference = reference(
            bins={name: distribution.bins for name, distribution in frozen.items()},
            counts={name: distribution.counts for name, distribution in frozen.items()},
            score_bins=score.bins,
            score_counts=score.counts,
            quantiles={name: distribution.quantiles for name, distribution in frozen.items() if distribution.quantiles},
            score_quantiles=score.quantiles,
        )
        self._frozen, self._score, self._trained_scores = frozen, score, out_of_fold

    def by(self, column: str) -> Telco:
        """The same, watched by the values of a column too."""
        found = copy(self)
        rows = pa.RecordBatch.from_pandas(self.training[list(self._frozen)], preserve_index=False)
        slices = freeze_slices([column], self._frozen, rows, self._score, self._trained_scores)
        found.reference = msgspec.structs.replace(self.reference, slices=slices[column])
        return found

    def batches(self, customers: pd.DataFrame, first: int = 0) -> list[Metrics]:
        """The metrics records of batches of 100 customers, numbered from `first` on; batches are a second apart."""
        scores = self._model.predict_proba(self._codes(customers))[:, 1]
        parts = [slice(start, start + EVENTS) for start in range(0, len(customers), EVENTS)]
        return [self._batch(customers.iloc[part], scores[part], number) for number, part in enumerate(parts, first)]

    def _batch(self, customers: pd.DataFrame, scores: np.ndarray, number: int) -> Metrics:
        arrays = {name: pa.array(customers[name], from_pandas=True) for name in self.reference.bins}
        found = {name: places(bins, arrays[name]) for name, bins in self.reference.bins.items()}
        score_bins = self.reference.score_bins
        columns = dict.fromkeys(name.partition("=")[0] for name in self.reference.slices)
        parts = [sliced(column, self.reference.bins, found, score_bins, places(score_bins, pa.array(scores))) for column in columns]
        observed = group(
            quantiles=quantile_sketches({name: arrays[name] for name in self.reference.quantiles}),
            score_quantiles=kll.sketch(scores),
            slices={name: counts for part in parts for name, counts in part.items()},
            scored=len(customers),
            features={name: count(bins, arrays[name]) for name, bins in self.reference.bins.items()},
            score=count(self.reference.score_bins, pa.array(scores)),
            score_sum=float(scores.sum()),
            score_sum_squares=float((scores**2).sum()),
        )
        return metrics(number, [observed])

    def _codes(self, customers: pd.DataFrame) -> np.ndarray:
        codes = [pd.Categorical(customers[name], self._levels[name]).codes for name in CATEGORICAL]
        return np.column_stack([*(customers[name].to_numpy(float) for name in NUMERIC), *codes])

    @staticmethod
    def cycle(customers: pd.DataFrame, start: int, length: int) -> pd.DataFrame:
        """`length` customers from position `start` on, beginning again after the last."""
        return customers.iloc[np.arange(start, start + length) % len(customers)]

    @staticmethod
    def shifted(customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """A price rise of 20 % for all, and half of the customers new: month to month, at most three months."""
        frame = customers.copy()
        new = rng.random(len(frame)) < 0.5
        frame["monthly_charges"] = (frame["monthly_charges"] * 1.2).round(2)
        frame.loc[new, "contract"] = "Month-to-month"
        frame.loc[new, "tenure"] = rng.integers(0, 4, new.sum())
        frame["total_charges"] = frame["total_charges"].where(~new, (frame["tenure"] * frame["monthly_charges"]).round(2))
        return frame

    @staticmethod
    def take_all(series: Series, records: Sequence[Reference | Metrics], limits: Limits) -> list[Drift | Alert]:
        """What a series publishes while it takes records one after another."""
        return [out for record in records for out in take(series, KEY, record, limits)]


@pytest.fixture(scope="session")
def telco() -> Telco:
    """A model of the real churn table."""
    return Telco(Path(__file__).parents[2] / "examples" / "churn" / "telco_churn.csv")
