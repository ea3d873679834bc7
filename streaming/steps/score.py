"""Scoring: the model's score for every row, and what a prediction is known by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.errors import ModelError
from streaming.models.model import Model, Scores
from streaming.models.plan import Plan, PlannedModel
from streaming.records import INSTANT, RAW, REASON, REJECTED, SCORED, event_column
from streaming.steps import Outcome
from streaming.steps.identity import prediction_ids
from streaming.steps.isolate import score_rows

STAGE = "score"
REASON_SCORING = "scoring"


def utcnow() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


class Score:
    """The step that scores: rows with ENVELOPE and `event.*` columns get the columns SCORED.

    A row that the model cannot score, scores as NaN or infinite, or takes longer for than the plan's score_limit_s, is
    rejected with reason `scoring`; its neighbours' scores do not change.
    """

    def __init__(self, model: Model, *, clock: Callable[[], datetime] = utcnow) -> None:
        """model: loaded and verified; clock: gives `scored_at`."""
        self._model = model
        self._clock = clock

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:
        """Score a batch of any number of rows, zero too, as the plan's champion.

        Raises ModelError if the model is not the planned one, or if it fails on its own reference rows as well: then it
        is not the events that are wrong.
        """
        self._check(plan.champion)
        columns = [batch.column(event_column(name)) for name in self._model.features]
        features = pa.RecordBatch.from_arrays(columns, names=self._model.features)
        scores, failures = score_rows(self._model, features, limit_s=plan.score_limit_s)
        if not failures:
            return Outcome(self._scored(batch, scores, plan))
        bad = np.zeros(batch.num_rows, dtype=bool)
        bad[list(failures)] = True
        rejected = _rejected(batch.filter(pa.array(bad)), [failures[row] for row in sorted(failures)])
        return Outcome(self._scored(batch.filter(pa.array(~bad)), scores[~bad], plan), rejected)

    def _check(self, planned: PlannedModel) -> None:
        if (loaded := self._model.manifest.sha256) != planned.sha256:
            raise ModelError(
                f"model {planned.name} version {planned.version}: sha256 {planned.sha256[:12]}… is planned and "
                f"{loaded[:12]}… was loaded; fetch the planned version"
            )

    def _scored(self, batch: pa.RecordBatch, scores: Scores, plan: Plan) -> pa.RecordBatch:
        rows = batch.num_rows
        manifest, planned = self._model.manifest, plan.champion
        negative = next((name for name in manifest.classes if name != manifest.positive_class), manifest.positive_class)
        constants = {
            "deployment": plan.deployment,
            "role": planned.role,
            "variant": planned.variant,
            "model_name": planned.name,
            "model_version": planned.version,
            "plan_id": plan.plan_id,
        }
        added = {name: pa.repeat(pa.scalar(value, pa.string()), rows) for name, value in constants.items()}
        added["prediction_id"] = prediction_ids(batch, plan.stream, plan.deployment, _shadow(planned))
        added["score"] = pa.array(scores, pa.float64())
        added["predicted_class"] = pc.if_else(pa.array(scores > 0.5), manifest.positive_class, negative)
        added["scored_at"] = pa.repeat(pa.scalar(self._clock(), INSTANT), rows)
        arrays = [*batch.columns, *(added[name] for name in SCORED.names)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([*batch.schema, *SCORED]))


def _shadow(planned: PlannedModel) -> str | None:
    return planned.variant if planned.role == "shadow" else None


def _rejected(rows: pa.RecordBatch, messages: list[str]) -> pa.RecordBatch:
    count = rows.num_rows
    reasons = {
        "stage": pa.repeat(STAGE, count),
        "reason": pa.repeat(REASON_SCORING, count),
        "path": pa.repeat("", count),
        "message": pa.array(messages, pa.string()),
        "value_found": pa.repeat("", count),
        "schema_version": rows.column("schema_version"),
    }
    arrays = [*(rows.column(name) for name in RAW.names), *(reasons[name] for name in REASON.names)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTED)
