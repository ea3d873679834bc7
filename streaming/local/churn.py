"""Training of the demo's model: the churn table, through the same training and registry that any model takes."""

from __future__ import annotations

from pathlib import Path

from streaming.config import Settings
from streaming.contracts import load_contract
from streaming.local.table import register
from streaming.local.telco import load_telco
from streaming.models.artifact import Artifact
from streaming.models.deployment import load_deployment
from streaming.models.registry import ExactVersion
from streaming.models.training import task_of


def train_churn(settings: Settings, data: Path) -> tuple[ExactVersion, Artifact]:
    """Train on the training part of the table, measure on the held-out part, register under the deployment's alias.

    The model is loaded from its bytes and verified before it is registered. Raises ConfigError, ContractError, ModelError,
    RegistryError or Unavailable.
    """
    deployment = load_deployment(settings.deployment)
    contract = load_contract(settings.schemas / deployment.event / f"v{deployment.schema_version}.json", "training")
    return register(settings, deployment, task_of(contract, deployment.champion.model), load_telco(data))
