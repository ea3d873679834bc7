"""One trained champion for all tests that only need one."""

from __future__ import annotations

import pytest
from service import REPOSITORY

from streaming.config import load_settings
from streaming.local.churn import train_churn
from streaming.local.telco import DEFAULT_DATA


@pytest.fixture(scope="session")
def registry_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The keys of the table [registry] for a registry whose champion was trained on the real table."""
    home = tmp_path_factory.mktemp("registry")
    table = f'tracking_uri = "sqlite:///{home}/mlflow.db"\nartifact_root = "{home}/artifacts"\n\n'
    (home / "registry.toml").write_text(_EVERYTHING + "[registry]\n" + table)
    train_churn(load_settings(home / "registry.toml"), DEFAULT_DATA)
    return table


_EVERYTHING = f"""
schemas = "{REPOSITORY}/schemas"
deployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"
[kafka]
bootstrap_servers = "unused:1"
[store]
dsn = "unused"
[stream]
checkpoint = "unused"
[drift]
checkpoint = "unused"
"""
