"""scikit-learn models in skops files: read without pickle, only from types that were looked at.

*Scoring path.* Where the pipeline's first step is a ColumnTransformer of an OrdinalEncoder and columns passed through, its
matrix is built straight from Arrow dictionaries (twice as fast as a pandas frame). That path is taken only if it gives the
reference rows the very bits that the pipeline gives; any other pipeline gets the frame it was trained with.
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from streaming.errors import ModelError
from streaming.models.artifact import Artifact, Feature, Manifest
from streaming.models.formats.dense import DenseFeatures, compile_features
from streaming.models.model import Scores, arrow_type, reference_batch, verify

FORMAT = "skops"

# Types beyond those that skops trusts by itself, each with the reason it may be constructed from a file.
TRUSTED = [
    # The trees of HistGradientBoosting: a holder of three arrays, whose constructor and state run no code of the file.
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]


class SkopsModel:
    """A scikit-learn classifier from a skops file. Pickles as its bytes, so that a worker loads it by the same audit."""

    def __init__(self, pipeline: Any, artifact: Artifact) -> None:
        """pipeline: the fitted classifier that the artifact's bytes hold."""
        self._pipeline = pipeline
        self._artifact = artifact
        self._positive = [str(value) for value in pipeline.classes_].index(artifact.manifest.positive_class)
        self._dense = self._faithful(compile_features(pipeline, self.manifest.features))

    @property
    def manifest(self) -> Manifest:
        """What the model reads and gives."""
        return self._artifact.manifest

    @property
    def features(self) -> list[str]:
        """Names of the inputs, in order."""
        return self.manifest.feature_names

    def predict(self, features: pa.RecordBatch) -> Scores:
        """Probability of the positive class for each row, float64, shape (rows,); zero rows give shape (0,).

        features: columns in the order of `self.features`. Raises what scikit-learn raises where a row cannot be scored.
        """
        if features.num_rows == 0:
            return np.empty(0)
        return self._dense_scores(self._dense, features) if self._dense else self._frame_scores(features)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bytes, not the objects."""
        return _load_remembered, (self._artifact, self.manifest.sha256)

    def _faithful(self, dense: DenseFeatures | None) -> DenseFeatures | None:
        rows = reference_batch(self.manifest)
        if dense is None or not np.array_equal(self._dense_scores(dense, rows), self._frame_scores(rows)):
            return None
        return dense

    def _dense_scores(self, dense: DenseFeatures, features: pa.RecordBatch) -> Scores:
        return np.asarray(dense.model.predict_proba(dense.matrix(features))[:, self._positive], dtype=np.float64)

    def _frame_scores(self, features: pa.RecordBatch) -> Scores:
        frame = feature_frame(features, self.manifest.features)
        return np.asarray(self._pipeline.predict_proba(frame)[:, self._positive], dtype=np.float64)


def feature_frame(batch: pa.RecordBatch, features: list[Feature]) -> Any:
    """The pandas frame that pipelines are trained on and score: numeric float64 (missing NaN), categorical object (missing None)."""
    import pandas as pd  # here, because a worker on the fast path never needs it

    columns = {}
    for feature, column in zip(features, batch.columns, strict=True):
        values = pc.cast(column, arrow_type(feature)).to_numpy(zero_copy_only=False)
        columns[feature.name] = pd.Series(values, dtype=np.float64 if feature.kind == "numeric" else object)
    return pd.DataFrame(columns)


def load(artifact: Artifact, sha256: str) -> SkopsModel:
    """Check, construct and verify a model.

    sha256: the checksum the caller trusts (the registry's tag or the plan), hex, of the model file's bytes.
    Raises ModelError: another checksum, a type that is not trusted, a file that is not skops, other reference scores.
    """
    artifact.check(sha256)
    name = artifact.manifest.name
    try:
        pipeline = skops.io.loads(artifact.model_bytes, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"model {name}: its file holds a type that is not trusted: {' '.join(str(error).split())}") from None
    except (
        zipfile.BadZipFile,
        ArithmeticError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelError(f"model {name}: its file is not one that skops reads ({_line(error)}); register the model again") from None
    try:
        model = SkopsModel(pipeline, artifact)
        verify(model)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"model {name}: it cannot score its reference rows ({_line(error)}); register the model again") from None
    return model


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


@lru_cache(maxsize=8)
def _load_remembered(artifact: Artifact, sha256: str) -> SkopsModel:
    """Spark unpickles a function for every task; a worker that has the model already need not read it again."""
    return load(artifact, sha256)
