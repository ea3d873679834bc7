"""Observe: count what was scored over the bins frozen at training, so that drift costs nothing per event downstream."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streaming.metrics import kll
from streaming.metrics.sketches import histogram, places
from streaming.metrics.slices import quantile_sketches, sliced
from streaming.models.artifact import Manifest
from streaming.models.plan import Plan
from streaming.records import event_column
from streaming.steps import Outcome


class Observe:
    """Step: rows pass unchanged.

    Observed: `features` (name → Histogram over the feature's frozen bins), `score` (Histogram), `score_sum`,
    `score_sum_squares`; `quantiles` (name of a numeric feature → KLL sketch) and `score_quantiles`; `slices`
    ("column=value" → SliceCounts) of the columns that the model was trained to be sliced by.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._bins = {name: known.bins for name, known in manifest.distributions.items()}
        self._score_bins = manifest.score.bins
        # Only what training made a sketch of has one to be compared with.
        self._sketched = [name for name, known in manifest.distributions.items() if known.quantiles]
        self._score_sketched = bool(manifest.score.quantiles)
        self._sliced = list(manifest.slices)

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:  # noqa: ARG002 (a Step)
        """Observe a batch with the columns `event.<feature>` and `score`."""
        scores = batch.column("score").to_numpy(zero_copy_only=False)
        columns = {name: batch.column(event_column(name)) for name in self._bins}
        found = {name: places(bins, columns[name]) for name, bins in self._bins.items()}
        score = places(self._score_bins, batch.column("score"))
        observed = {
            "features": {name: histogram(np.bincount(each, minlength=self._bins[name].size + 2)) for name, each in found.items()},
            "score": histogram(np.bincount(score, minlength=self._score_bins.size + 2)),
            "quantiles": quantile_sketches({name: columns[name] for name in self._sketched}),
            "score_quantiles": kll.sketch(scores) if self._score_sketched else b"",
            "slices": {
                name: counts
                for column in self._sliced
                for name, counts in sliced(column, self._bins, found, self._score_bins, score).items()
            },
            "score_sum": float(np.sum(scores)),
            "score_sum_squares": float(np.dot(scores, scores)),
        }
        return Outcome(batch, observed=observed)
