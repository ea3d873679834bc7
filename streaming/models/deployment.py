"""A deployment: one file in conf/deployments/, what serves one decision."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from streaming.config import parse, read_toml
from streaming.settings import Section
from streaming.truth.declared import Truth


class Served(Section):
    """A named arm of a deployment: a registered model, and the alias whose version serves."""

    model: str = Field(description="registered model's name")
    alias: str = Field(default="champion", description="alias that names the version")


class Deployment(Section):
    """What serves one decision."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the decision's name, e.g. churn_risk")
    event: str = Field(description="event whose schema the model reads")
    schema_version: int = Field(ge=1, description="schema version of events that name none")
    champion: Served
    truth: Truth = Truth()


def load_deployment(path: Path) -> Deployment:
    """Read and check a deployment file. Raises ConfigError."""
    return parse(Deployment, read_toml(path), path)
