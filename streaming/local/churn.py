"""Training of the demo's model: the churn table, through the same training and registry that any model takes."""

from __future__ import annotations

from pathlib import Path

from streaming.config import Settings
from streaming.local.telco import POSITIVE, TARGET, load_telco, split
from streaming.models.artifact import Artifact
from streaming.models.deployment import load_deployment
from streaming.models.formats.skops import load
from streaming.models.registry import ExactVersion, Registry
from streaming.models.training import Task, train


def train_churn(settings: Settings, data: Path) -> tuple[ExactVersion, Artifact]:
    """Train on the training part of the table, measure on the held-out part, register under the deployment's alias.

    The model is loaded from its bytes and verified before it is registered. Raises ConfigError, ModelError, RegistryError
    or Unavailable.
    """
    deployment = load_deployment(settings.deployment)
    task = Task(deployment.champion.model, TARGET, POSITIVE, deployment.event, deployment.schema_version)
    training, held_out = split(load_telco(data))
    artifact = train(task, training, held_out)
    load(artifact, artifact.manifest.sha256)
    return Registry(settings.registry).register(artifact, alias=deployment.champion.alias), artifact
