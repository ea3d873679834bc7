"""What the runs share: the embedded broker and PostgreSQL, and a registry with a champion."""

from __future__ import annotations

import os
from pathlib import Path

from streaming.config import load_settings
from streaming.local import kafka, postgres
from streaming.local import services as embedded
from streaming.local.java import java_home

REPOSITORY = Path(__file__).resolve().parents[2]
# What a configuration must have, and training has no use for.
UNUSED = """
[kafka]
bootstrap_servers = "unused:1"
[store]
dsn = "unused"
[stream]
checkpoint = "unused"
[drift]
checkpoint = "unused"
"""


class Home:
    """The embedded broker and PostgreSQL that the runs share, under one folder, and a registry with one trained champion."""

    def __init__(self, folder: Path) -> None:
        """Start the services, train the champion. registry_table: the keys of the configuration's table [registry]."""
        self.folder = folder
        registry = folder / "registry"
        self.registry_table = f'tracking_uri = "sqlite:///{registry}/mlflow.db"\nartifact_root = "{registry}/artifacts"\n'
        self.up()
        self.train()

    def train(self) -> None:
        """Train a version, the next one after the first, and make it the champion."""
        from streaming.local.table import train_table  # heavy, and whoever only collects tests does not need it
        from streaming.local.telco import DEFAULT_DATA

        places = f'schemas = "{REPOSITORY}/schemas"\ndeployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"\n'
        config = self.folder / "train.toml"
        config.write_text(f"{places}{UNUSED}[registry]\n{self.registry_table}", encoding="utf-8")
        train_table(load_settings(config), REPOSITORY / DEFAULT_DATA, check=False)

    def up(self) -> None:
        """Start what does not run."""
        started = embedded.up(self.folder, say=lambda _: None)
        self.bootstrap, self.dsn = started.bootstrap, started.dsn

    def close(self) -> None:
        """Stop the services."""
        embedded.down(self.folder)

    def stop_kafka(self) -> None:
        """Take the broker away (SIGTERM); `start_kafka` brings it back on its port and data."""
        kafka.halt(self.folder)

    def start_kafka(self) -> None:
        """Bring the broker back."""
        kafka.start(self.folder)

    def stop_postgres(self) -> None:
        """Take the store away (fast shutdown); `start_postgres` brings it back on its port and data."""
        postgres.halt(self.folder)

    def start_postgres(self) -> None:
        """Bring the store back."""
        postgres.start(self.folder)


def quick_machines() -> None:
    """Set what keeps a JVM that lives for a minute small and quick to start, unless it is set."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("JAVA_HOME", str(java_home()))
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
