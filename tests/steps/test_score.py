"""The scoring step with the real churn model and real customers."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import skops.io
from churn_model import NOW, churn_artifact, churn_model, churn_plan, event_batch, features

from streaming.errors import ModelError
from streaming.models.artifact import Manifest
from streaming.models.formats.skops import TRUSTED, feature_frame
from streaming.models.model import Scores
from streaming.records import RAW, REJECTED, SCORED
from streaming.steps import Outcome
from streaming.steps.score import Score

POISON = "Carrier pigeon"


class Squeamish:
    """The churn model, except that it raises for one payment method and has no answer for a tenure of 99."""

    def __init__(self, *, also_on_reference_rows: bool = False) -> None:
        self._always = also_on_reference_rows

    @property
    def manifest(self) -> Manifest:
        return churn_model().manifest

    @property
    def features(self) -> list[str]:
        return churn_model().features

    def predict(self, features: pa.RecordBatch) -> Scores:
        if self._always or POISON in features.column("payment_method").to_pylist():
            raise ValueError("cannot deliver\nby pigeon")
        scores = churn_model().predict(features)
        return np.where(features.column("tenure").to_numpy() == 99, np.nan, scores)


def step(batch: pa.RecordBatch) -> Outcome:
    return Score(churn_model(), clock=lambda: NOW)(batch, churn_plan())


def squeamish(batch: pa.RecordBatch) -> Outcome:
    return Score(Squeamish())(batch, churn_plan())


def test_rows_keep_their_columns_and_get_those_of_a_prediction() -> None:
    batch = event_batch(5)
    rows = step(batch).rows

    assert rows.schema == pa.schema([*batch.schema, *SCORED])
    assert rows.select(batch.schema.names).equals(batch)
    first = rows.select(SCORED.names).to_pylist()[0]
    assert (first["deployment"], first["role"], first["variant"]) == ("churn_risk", "champion", "champion")
    assert (first["model_name"], first["model_version"], first["plan_id"]) == ("churn", "7", "q/3")
    assert first["scored_at"] == NOW


def test_the_class_follows_the_score() -> None:
    rows = step(event_batch(500)).rows
    scores, classes = rows.column("score").to_pylist(), rows.column("predicted_class").to_pylist()

    assert set(classes) == {"Yes", "No"}
    assert all((score > 0.5) == (name == "Yes") for score, name in zip(scores, classes, strict=True))


def test_a_row_scores_the_same_bits_alone_and_in_any_batch() -> None:
    batch = event_batch(300)
    together = step(batch).rows.column("score").to_pylist()
    alone = [step(batch.slice(row, 1)).rows.column("score")[0].as_py() for row in range(0, 300, 7)]

    assert alone == together[::7]


def test_no_rows_give_no_rows() -> None:
    outcome = step(event_batch(0))

    assert outcome.rows.num_rows == 0
    assert outcome.rows.schema.names[-len(SCORED) :] == SCORED.names
    assert outcome.rejected.num_rows == 0


@pytest.mark.parametrize("bad", [[0], [6], [2, 3], [0, 1, 2, 3, 4, 5, 6]])
def test_poison_is_rejected_and_its_neighbours_are_scored(bad: list[int]) -> None:
    methods: list[object] = [POISON if row in bad else "Mailed check" for row in range(7)]
    clean = event_batch(7, payment_method=["Mailed check"] * 7)
    outcome = squeamish(event_batch(7, payment_method=methods))

    good = [row for row in range(7) if row not in bad]
    assert outcome.rows.column("source_offset").to_pylist() == good
    assert outcome.rows.column("score").to_pylist() == [step(clean).rows.column("score")[row].as_py() for row in good]
    assert outcome.rejected.schema == REJECTED
    assert outcome.rejected.column("source_offset").to_pylist() == bad


def test_a_rejection_says_why_and_keeps_the_event() -> None:
    batch = event_batch(2, payment_method=["Mailed check", POISON])
    (rejected,) = squeamish(batch).rejected.to_pylist()

    assert {name: rejected[name] for name in RAW.names} == batch.slice(1).select(RAW.names).to_pylist()[0]
    assert (rejected["stage"], rejected["reason"], rejected["path"], rejected["schema_version"]) == ("score", "scoring", "", 1)
    assert rejected["message"] == "the model cannot score this event: ValueError: cannot deliver by pigeon"


def test_a_score_that_is_no_number_is_rejected() -> None:
    outcome = squeamish(event_batch(3, tenure=[1.0, 99.0, 2.0]))

    assert outcome.rows.column("source_offset").to_pylist() == [0, 2]
    assert outcome.rejected.column("message").to_pylist() == ["the model gives nan for this event"]


def test_a_model_that_fails_on_its_reference_rows_rejects_nobody() -> None:
    with pytest.raises(ModelError, match="cannot score its own reference rows"):
        Score(Squeamish(also_on_reference_rows=True))(event_batch(3), churn_plan())


def test_another_model_than_the_planned_one_is_refused() -> None:
    with pytest.raises(ModelError, match="is planned and"):
        Score(churn_model())(event_batch(1), churn_plan(sha256="f" * 64))


def test_a_shadow_has_ids_of_its_own() -> None:
    champion, shadow = (
        Score(churn_model())(event_batch(4), churn_plan(role=role)).rows.column("prediction_id").to_pylist()
        for role in ("champion", "shadow")
    )

    assert len({*champion, *shadow}) == 8


def test_missing_and_unknown_values_score_as_the_pipeline_scores_them() -> None:
    """The fast path has codes of its own for what training did not see; they must be those of the pipeline."""
    changed: dict[str, list[object]] = {
        "contract": ["Lifetime", None, "One year"],
        "total_charges": [None, 1.0, None],
        "tenure": [None, 0.0, 150.0],
    }
    pipeline = skops.io.loads(churn_artifact().model_bytes, trusted=TRUSTED)
    whole = pipeline.predict_proba(feature_frame(features(3, **changed), churn_model().manifest.features))[:, 1]

    assert step(event_batch(3, **changed)).rows.column("score").to_pylist() == whole.tolist()


class Ponderous(Squeamish):
    """The churn model, except that it thinks for ever about one payment method."""

    def predict(self, features: pa.RecordBatch) -> Scores:
        while self._always or POISON in features.column("payment_method").to_pylist():
            time.sleep(0.01)
        return churn_model().predict(features)


def test_an_event_that_the_model_takes_too_long_for_is_rejected_alone() -> None:
    methods: list[object] = [POISON if row == 11 else "Mailed check" for row in range(40)]
    plan = msgspec.structs.replace(churn_plan(), score_limit_s=1.5)
    outcome = Score(Ponderous())(event_batch(40, payment_method=methods), plan)

    assert outcome.rows.column("source_offset").to_pylist() == [row for row in range(40) if row != 11]
    assert outcome.rejected.column("message").to_pylist() == ["the model takes longer than 1.5 s for this event"]


def test_a_model_that_is_slow_on_its_reference_rows_rejects_nobody() -> None:
    plan = msgspec.structs.replace(churn_plan(), score_limit_s=0.1)
    with pytest.raises(ModelError, match=r"takes longer than 0.1 s for its own reference rows; raise stream.score_limit_s"):
        Score(Ponderous(also_on_reference_rows=True))(event_batch(3), plan)


class Unheard(Exception):
    """An error that a model's own library made up."""


class Raising(Squeamish):
    """The churn model, except that it raises what it is told to for one payment method."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def predict(self, features: pa.RecordBatch) -> Scores:
        if POISON in features.column("payment_method").to_pylist():
            raise self._error("pigeon")
        return churn_model().predict(features)


@pytest.mark.parametrize(
    "error", [AssertionError, ImportError, KeyError, NotImplementedError, OSError, RecursionError, StopIteration, Unheard]
)
def test_whatever_a_model_raises_about_a_row_rejects_that_row(error: type[Exception]) -> None:
    outcome = Score(Raising(error))(event_batch(3, payment_method=["Mailed check", POISON, "Mailed check"]), churn_plan())

    assert outcome.rows.column("source_offset").to_pylist() == [0, 2]
    assert outcome.rejected.column("message").to_pylist()[0].startswith(f"the model cannot score this event: {error.__name__}")


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, SystemExit])
def test_what_is_not_about_a_row_rejects_nobody(error: type[BaseException]) -> None:
    with pytest.raises(error):
        Score(Raising(error))(event_batch(2, payment_method=["Mailed check", POISON]), churn_plan())
