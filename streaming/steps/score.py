"""Scoring: the model's score for every row, and what a prediction is known by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.errors import ModelError
from streaming.models.model import Model, Scores, verify
from streaming.models.plan import Plan, PlannedModel
from streaming.records import INSTANT, RAW, REASON, REJECTED, SCORED, event_column
from streaming.steps import Outcome
from streaming.steps.identity import prediction_ids

STAGE = "score"
REASON_SCORING = "scoring"

# What a fitted estimator raises about a row that it cannot take. An out-of-memory or a signal is not about a row.
ROW_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def utcnow() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


class Score:
    """The step that scores: rows with ENVELOPE and `event.*` columns get the columns SCORED.

    A row that the model cannot score, or scores as NaN or infinite, is rejected with reason `scoring`; its neighbours'
    scores do not change.
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
        scores, failures = score_rows(self._model, features)
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


def score_rows(model: Model, features: pa.RecordBatch) -> tuple[Scores, dict[int, str]]:
    """Scores of shape (rows,), and for each row that has none the reason, one line; such a row's score is NaN.

    Raises ModelError if the model fails on its own reference rows too.
    """
    search = _Search(model, np.full(features.num_rows, np.nan), {})
    search.score(features, 0)
    for row in np.flatnonzero(~np.isfinite(search.scores)):
        search.failures.setdefault(int(row), f"the model gives {search.scores[row]} for this event")
    return search.scores, search.failures


@dataclass
class _Search:
    """Halves a batch that fails until the failing rows stand alone."""

    model: Model
    scores: Scores
    failures: dict[int, str]
    verified: bool = False

    def score(self, features: pa.RecordBatch, start: int) -> None:
        rows = features.num_rows
        if rows == 0:
            return
        try:
            self.scores[start : start + rows] = self.model.predict(features)
        except ROW_ERRORS as error:
            self._verify()
            if rows == 1:
                self.failures[start] = f"the model cannot score this event: {type(error).__name__}: {_shortened(str(error))}"
                return
            half = rows // 2
            self.score(features.slice(0, half), start)
            self.score(features.slice(half), start + half)

    def _verify(self) -> None:
        """Once: a model that fails on good rows would otherwise reject every event, one by one."""
        if self.verified:
            return
        try:
            verify(self.model)
        except ROW_ERRORS as error:
            name = self.model.manifest.name
            raise ModelError(f"model {name} cannot score its own reference rows: {_shortened(str(error))}; register it again") from error
        self.verified = True


def _shadow(planned: PlannedModel) -> str | None:
    return planned.variant if planned.role == "shadow" else None


def _rejected(rows: pa.RecordBatch, messages: list[str]) -> pa.RecordBatch:
    count = rows.num_rows
    reasons = {
        "stage": pa.repeat(STAGE, count),
        "reason": pa.repeat(REASON_SCORING, count),
        "path": pa.repeat("", count),
        "message": pa.array(messages, pa.string()),
        "schema_version": rows.column("schema_version"),
    }
    arrays = [*(rows.column(name) for name in RAW.names), *(reasons[name] for name in REASON.names)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTED)


def _shortened(text: str) -> str:
    return " ".join(text.split())[:200]
