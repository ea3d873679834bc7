"""skops files: checked before they are read, and read only from trusted types."""

from __future__ import annotations

import io
import pickle
import sys
import zipfile

import msgspec
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import skops.io
from churn_model import DATA, TASK, churn_artifact, churn_model, features
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from streaming.errors import ModelError
from streaming.local.telco import CATEGORICAL, NUMERIC, TARGET, load_telco
from streaming.models.artifact import Artifact, Feature, Manifest, ReferenceRow, checksum, encode_manifest
from streaming.models.formats.dense import compile_features
from streaming.models.formats.skops import feature_frame, load


def artifact_of(pipeline: object, rows: list[ReferenceRow]) -> Artifact:
    """An artifact with the churn manifest around another pipeline."""
    content = skops.io.dumps(pipeline)
    manifest: Manifest = msgspec.structs.replace(churn_artifact().manifest, sha256=checksum(content), reference_rows=rows)
    return Artifact(content, encode_manifest(manifest))


def test_changed_bytes_are_refused_before_they_are_read() -> None:
    original = churn_artifact()
    changed = Artifact(original.model_bytes + b" ", original.manifest_bytes)

    with pytest.raises(ModelError, match="the file was changed"):
        load(changed, original.manifest.sha256)


def test_a_manifest_that_vouches_for_changed_bytes_is_not_believed() -> None:
    other = artifact_of(LogisticRegression(), [])

    with pytest.raises(ModelError, match="the file was changed"):
        load(other, churn_artifact().manifest.sha256)


def test_a_type_that_is_not_trusted_is_named() -> None:
    hostile = artifact_of(Pipeline([("f", FunctionTransformer(pd.eval))]), [])

    with pytest.raises(ModelError, match=r"not trusted.*pandas\.\S*eval"):
        load(hostile, hostile.manifest.sha256)


def test_a_file_that_is_not_skops_is_told() -> None:
    content = b"not a zip"
    manifest = msgspec.structs.replace(churn_artifact().manifest, sha256=checksum(content))

    with pytest.raises(ModelError, match="not one that skops reads"):
        load(Artifact(content, encode_manifest(manifest)), checksum(content))


def test_a_file_whose_schema_is_none_is_told() -> None:
    """skops trusts the shape of the schema and raises AttributeError."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("schema.json", "[]")
    broken = Artifact(
        content.getvalue(), encode_manifest(msgspec.structs.replace(churn_artifact().manifest, sha256=checksum(content.getvalue())))
    )

    with pytest.raises(ModelError, match="not one that skops reads"):
        load(broken, broken.manifest.sha256)


def test_a_file_for_another_release_of_scikit_learn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that has moved a module away raises ImportError."""
    monkeypatch.setitem(sys.modules, "sklearn.ensemble._hist_gradient_boosting.predictor", None)

    with pytest.raises(ModelError, match=r"not one that skops reads .*predictor"):
        load(churn_artifact(), churn_artifact().manifest.sha256)


def test_a_model_pickles_as_its_bytes_and_loads_once_in_a_process() -> None:
    content = pickle.dumps(churn_model())
    first, second = pickle.loads(content), pickle.loads(content)

    assert first is second
    assert churn_artifact().model_bytes in content
    assert np.array_equal(first.predict(features(50)), churn_model().predict(features(50)))


def test_no_rows_give_no_scores() -> None:
    assert churn_model().predict(features(0)).shape == (0,)


def test_the_matrix_is_bit_for_bit_the_transformers() -> None:
    pipeline = skops.io.loads(churn_artifact().model_bytes, trusted=["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"])
    dense = compile_features(pipeline, churn_model().manifest.features)
    whole = pipeline[:1].transform(feature_frame(features(2121), churn_model().manifest.features))

    assert dense is not None
    assert np.array_equal(dense.matrix(features(2121)), whole, equal_nan=True)


def test_a_pipeline_of_another_shape_is_scored_from_the_frame() -> None:
    frame = load_telco(DATA).fillna({"total_charges": 0.0})
    transformation = ColumnTransformer([("c", OneHotEncoder(), list(CATEGORICAL)), ("n", "passthrough", list(NUMERIC))])
    pipeline = Pipeline([("f", transformation), ("m", LogisticRegression(max_iter=500, solver="liblinear"))])
    pipeline.fit(frame.drop(columns=TASK.target).astype(dict.fromkeys(NUMERIC, float)), frame[TARGET])
    complete = features(200).filter(pc.is_valid(features(200).column("total_charges")))
    expected = pipeline.predict_proba(feature_frame(complete, churn_model().manifest.features))[:, 1]
    row = ReferenceRow([column[0].as_py() for column in complete.columns], float(expected[0]))
    known: list[Feature] = churn_model().manifest.features
    artifact = artifact_of(pipeline, [row])

    assert compile_features(pipeline, known) is None
    assert np.allclose(load(artifact, artifact.manifest.sha256).predict(complete), expected, rtol=0, atol=1e-12)
