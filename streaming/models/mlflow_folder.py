"""An artifact as the folder of an ordinary MLflow model, so that MLflow's own tools can open and serve it too."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

from streaming.models.artifact import Artifact, Manifest
from streaming.models.registry import MANIFEST_FILE, MODEL_FILE


def write_folder(artifact: Artifact, folder: Path) -> None:
    """Write model.skops, manifest.json, MLmodel (with signature and the flavour sklearn) and requirements.txt."""
    from streaming.models.formats.skops import TRUSTED

    manifest = artifact.manifest
    (folder / MODEL_FILE).write_bytes(artifact.model_bytes)
    (folder / MANIFEST_FILE).write_bytes(artifact.manifest_bytes)
    versions = [f"{name}=={version}" for name, version in manifest.libraries.items() if name != "python"]
    (folder / "requirements.txt").write_text("\n".join([*versions, "pandas", ""]), encoding="utf-8")
    model = Model(signature=_signature(manifest))
    model.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        sklearn_version=manifest.libraries["scikit-learn"],
        serialization_format="skops",
        skops_trusted_types=TRUSTED,
        code=None,
    )
    model.add_flavor(
        "python_function",
        loader_module="mlflow.sklearn",
        model_path=MODEL_FILE,
        predict_fn="predict_proba",
        python_version=manifest.libraries["python"],
    )
    model.save(str(folder / "MLmodel"))


def _signature(manifest: Manifest) -> ModelSignature:
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec("double" if feature.kind == "numeric" else "string", feature.name, required=False) for feature in manifest.features
    ]
    return ModelSignature(Schema(inputs), Schema([ColSpec("double")]))
