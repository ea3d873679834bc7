"""Training of a binary classifier on a table: a pipeline, its quality on held-out rows, its frozen reference, its artifact.

The classifier is gradient-boosted trees: a tree's score of a row depends on that row alone, so that it is the same bit for
bit whatever batch the row comes in. A product of matrices (logistic regression) is not: BLAS adds in another order.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
import skops
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from streaming.contracts import Contract
from streaming.errors import ConfigError
from streaming.metrics.labelled_cells import freeze_cells
from streaming.models.artifact import Artifact, Distribution, Feature, Manifest, ReferenceRow, checksum, encode_manifest
from streaming.models.formats.skops import FORMAT, feature_frame
from streaming.models.model import Scores, arrow_type
from streaming.models.reference import freeze, freeze_scores, freeze_slices
from streaming.records import rfc3339

SEED = 0
REFERENCE_ROWS = 20


@dataclass(frozen=True)
class Task:
    """What is to be learned. The columns of a frame are the features and `target`.

    unwatched: features that get no reference distribution, so that their drift is never judged.
    slices: categorical features by whose values drift is watched too.
    """

    name: str
    target: str
    positive_class: str
    event: str
    schema_version: int
    unwatched: frozenset[str] = frozenset()
    slices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Features as Arrow, one column each in the features' order, and the outcome as text, shape (rows,)."""

    features: pa.RecordBatch
    outcome: np.ndarray


def task_of(contract: Contract, model: str) -> Task:
    """The task that a contract states for a model of this name: x-role target with x-positive (or x-target), x-drift false.

    contract: as training has it. Raises ConfigError if it names no target or no positive class: add them to the schema.
    """
    target = contract.target
    if target is None or target.get("positive") is None:
        event = f"{contract.event} v{contract.version}"
        raise ConfigError(f"{event} names no target with a positive class; add x-role target and x-positive")
    unwatched = frozenset(field.name for field in contract.fields if field.words.drift is False)
    return Task(model, str(target["field"]), str(target["positive"]), contract.event, contract.version, unwatched)


def features_of(frame: pd.DataFrame, target: str) -> list[Feature]:
    """The features of a frame: numbers and booleans are numeric, everything else categorical."""
    return [
        Feature(str(name), "numeric" if pd.api.types.is_numeric_dtype(frame[name]) else "categorical")
        for name in frame.columns
        if name != target
    ]


def as_table(frame: pd.DataFrame, features: list[Feature], target: str) -> Table:
    """A frame as a Table; NaN becomes null, so that training and stream see missing values alike."""
    arrays = [pa.array(frame[feature.name], arrow_type(feature), from_pandas=True) for feature in features]
    return Table(pa.RecordBatch.from_arrays(arrays, names=[feature.name for feature in features]), frame[target].to_numpy(dtype=object))


def build_pipeline(features: list[Feature]) -> Pipeline:
    """The untrained pipeline: categories to codes (-1: unknown, NaN: missing), numbers as they are, boosted trees."""
    names = {kind: [feature.name for feature in features if feature.kind == kind] for kind in ("categorical", "numeric")}
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    transformation = ColumnTransformer([("categorical", codes, names["categorical"]), ("numeric", "passthrough", names["numeric"])])
    # Few small trees: the best of a handful on the churn table, and each tree costs 30 µs per 1,000 rows when serving.
    trees = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=1.0, random_state=SEED
    )
    return Pipeline([("features", transformation), ("classifier", trees)])


def train(task: Task, training: pd.DataFrame, held_out: pd.DataFrame) -> Artifact:
    """Fit on `training`, measure on `held_out`, and freeze everything that serving needs.

    Both frames have the target column and the same features. The same frames and libraries give the same scores.
    """
    features = features_of(training, task.target)
    table = as_table(training, features, task.target)
    frame = feature_frame(table.features, features)
    pipeline = build_pipeline(features).fit(frame, table.outcome)
    unseen = as_table(held_out, features, task.target)
    scores = _scores(pipeline, feature_frame(unseen.features, features), task)
    model_bytes = skops.io.dumps(pipeline)
    distributions = _distributions(features, table.features, task.unwatched)
    trained_scores = _cross_validated(features, frame, table.outcome, task)
    score = freeze_scores(trained_scores)
    manifest = Manifest(
        name=task.name,
        format=FORMAT,
        features=features,
        classes=[str(value) for value in pipeline.classes_],
        positive_class=task.positive_class,
        event=task.event,
        schema_version=task.schema_version,
        sha256=checksum(model_bytes),
        distributions=distributions,
        score=score,
        reference_rows=_reference_rows(unseen.features, scores),
        metrics=evaluate(unseen.outcome == task.positive_class, scores),
        libraries={"python": platform.python_version(), "scikit-learn": sklearn.__version__, "skops": skops.__version__},
        trained_at=rfc3339(datetime.now(UTC)),
        training_rows=len(training),
        importance=importance(pipeline, feature_frame(unseen.features, features), unseen.outcome == task.positive_class, task),
        slices=freeze_slices(task.slices, distributions, table.features, score, trained_scores),
        calibration=freeze_cells(trained_scores, table.outcome == task.positive_class, inner_edges=score.bins.edges),
    )
    return Artifact(model_bytes, encode_manifest(manifest))


def evaluate(positive: np.ndarray, scores: Scores) -> dict[str, float]:
    """Quality of scores against outcomes, both of shape (rows,): AUROC, average precision, log loss (nats)."""
    return {
        "auroc": float(roc_auc_score(positive, scores)),
        "average_precision": float(average_precision_score(positive, scores)),
        "log_loss": float(log_loss(positive, scores)),
        "held_out_rows": float(len(scores)),
    }


def importance(pipeline: Any, frame: pd.DataFrame, positive: np.ndarray, task: Task) -> dict[str, float]:
    """By how much the AUROC falls when a feature's values are shuffled, by feature, as a share of all that falls; all above 0.

    frame: held-out rows; positive: their outcomes, shape (rows,). Breiman 2001, Machine Learning 45(1). Empty where nothing falls.
    """
    rng = np.random.default_rng(SEED)
    whole = roc_auc_score(positive, _scores(pipeline, frame, task))

    def fall(name: str) -> float:
        shuffled = frame.assign(**{name: frame[name].to_numpy()[rng.permutation(len(frame))]})
        return max(0.0, float(whole - roc_auc_score(positive, _scores(pipeline, shuffled.astype(frame.dtypes), task))))

    falls = {str(name): fall(str(name)) for name in frame.columns}
    total = sum(falls.values())
    return {name: found / total for name, found in falls.items() if found > 0}


def _scores(pipeline: Any, frame: pd.DataFrame, task: Task) -> Scores:
    positive = [str(value) for value in pipeline.classes_].index(task.positive_class)
    return np.asarray(pipeline.predict_proba(frame)[:, positive], dtype=np.float64)


def _distributions(features: list[Feature], batch: pa.RecordBatch, unwatched: frozenset[str]) -> dict[str, Distribution]:
    pairs = zip(features, batch.columns, strict=True)
    return {feature.name: freeze(feature, column) for feature, column in pairs if feature.name not in unwatched}


def _cross_validated(features: list[Feature], frame: pd.DataFrame, outcome: np.ndarray, task: Task) -> Scores:
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    scores = cross_val_predict(build_pipeline(features), frame, outcome, cv=folds, method="predict_proba")
    return np.asarray(scores[:, sorted(set(outcome)).index(task.positive_class)], dtype=np.float64)


def _reference_rows(batch: pa.RecordBatch, scores: Scores) -> list[ReferenceRow]:
    """Rows spread over the scores, and the first ones with a missing value in each feature."""
    spread = np.argsort(scores, kind="stable")[np.linspace(0, len(scores) - 1, min(REFERENCE_ROWS, len(scores))).astype(int)]
    gaps = [int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))) for column in batch.columns if column.null_count]
    return [
        ReferenceRow([column[row].as_py() for column in batch.columns], float(scores[row]))
        for row in dict.fromkeys([*map(int, spread), *gaps])
    ]
