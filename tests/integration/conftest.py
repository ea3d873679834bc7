"""One trained champion for all tests that only need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service import REPOSITORY, Job, Starter

from streaming.config import load_settings
from streaming.local.table import train_table
from streaming.local.telco import DEFAULT_DATA


@pytest.fixture(scope="session")
def registry_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The keys of the table [registry] for a registry whose champion was trained on the real table."""
    home = tmp_path_factory.mktemp("registry")
    table = f'tracking_uri = "sqlite:///{home}/mlflow.db"\nartifact_root = "{home}/artifacts"\n\n'
    (home / "registry.toml").write_text(_EVERYTHING + "[registry]\n" + table)
    train_table(load_settings(home / "registry.toml"), DEFAULT_DATA, check=False)
    return table


@pytest.fixture
def start(settings_file: Path, tmp_path: Path) -> Iterator[Starter]:
    """Starts jobs (by default the scoring job on the test's configuration); none outlives the test."""
    started: list[Job] = []

    def begin(config: Path = settings_file, name: str = "score_events") -> Job:
        started.append(Job(name, config, tmp_path))
        return started[-1]

    yield begin
    for job in started:
        job.kill()


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
