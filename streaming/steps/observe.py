"""Observe: count what was scored over the bins frozen at training, so that drift costs nothing per event downstream."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streaming.metrics.sketches import count
from streaming.models.artifact import Manifest
from streaming.models.plan import Plan
from streaming.records import event_column
from streaming.steps import Outcome


class Observe:
    """Step: rows pass unchanged.

    Observed: `features` (name → Histogram over the feature's frozen bins), `score` (Histogram), `score_sum`,
    `score_sum_squares`.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._bins = {name: known.bins for name, known in manifest.distributions.items()}
        self._score_bins = manifest.score.bins

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:  # noqa: ARG002 (a Step)
        """Observe a batch with the columns `event.<feature>` and `score`."""
        scores = batch.column("score").to_numpy(zero_copy_only=False)
        observed = {
            "features": {name: count(bins, batch.column(event_column(name))) for name, bins in self._bins.items()},
            "score": count(self._score_bins, batch.column("score")),
            "score_sum": float(np.sum(scores)),
            "score_sum_squares": float(np.dot(scores, scores)),
        }
        return Outcome(batch, observed=observed)
