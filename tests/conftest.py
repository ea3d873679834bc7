"""Shared parts: one real broker and one real PostgreSQL for the whole run, and a configuration of its own for each test."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from containers import Containers, fresh_database
from kept import RunningHBase

from streaming.local import hbase as embedded_hbase
from streaming.local import kafka, postgres
from streaming.local import services as embedded
from streaming.local.java import java_home
from streaming.settings import HBaseSettings

# A machine that does something else as well takes longer for an example, and that is no fault.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
REPOSITORY = Path(__file__).resolve().parents[1]
# Several test processes share the cores: threads of numerical libraries that wait in a loop would starve each other, and a JVM that
# lives for a minute is better off without its optimising compiler.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAVA_HOME", str(java_home()))
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that processes side by side end at about the same time."""
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)


class RunningServices:
    """The embedded services of a test run; a test may take one away and bring it back on the same port and data."""

    def __init__(self, home: Path) -> None:
        self.home = home
        started = embedded.up(home, say=lambda line: None)
        self.bootstrap, self.dsn = started.bootstrap, started.dsn

    def stop_postgres(self) -> None:
        """Take the store away."""
        assert postgres.halt(self.home)

    def start_postgres(self) -> None:
        """Bring the store back."""
        assert postgres.dsn(self.home, postgres.start(self.home)) == self.dsn

    def stop_kafka(self) -> None:
        """Take the broker away."""
        assert kafka.halt(self.home)

    def start_kafka(self) -> None:
        """Bring the broker back."""
        assert kafka.bootstrap(kafka.start(self.home)) == self.bootstrap

    def create_database(self) -> str:
        """A fresh database; returns its connection string."""
        return fresh_database(self.dsn)


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServices | Containers]:
    """Real broker and PostgreSQL, stopped when the run ends, however it ends.

    Embedded ones, or containers if the environment says SCORING_TEST_SERVICES=containers.
    """
    if os.environ.get("SCORING_TEST_SERVICES", "embedded") == "containers":
        containers = Containers()
        yield containers
        containers.down()
        return
    home = tmp_path_factory.mktemp("services") / "var"
    try:
        yield RunningServices(home)
    finally:
        embedded.down(home)


@pytest.fixture(scope="session")
def hbase_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a real HBase, which is killed when the run ends: nothing of it is needed then."""
    home = tmp_path_factory.mktemp("hbase") / "var"
    try:
        embedded_hbase.start(home)
        yield home
    finally:
        embedded_hbase.halt(home, signal.SIGKILL)


@pytest.fixture
def hbase(hbase_home: Path) -> RunningHBase:
    """A real HBase, and a namespace of its own for the test."""
    thrift, thrift2 = embedded_hbase.addresses(hbase_home)
    settings = HBaseSettings(address=thrift, thrift2_address=thrift2, regions=1, namespace=f"t_{uuid.uuid4().hex[:12]}")
    return RunningHBase(hbase_home, settings)


@pytest.fixture
def settings_file(tmp_path: Path, services: RunningServices) -> Path:
    """A configuration like conf/local.toml with topics, database, registry and checkpoints of its own; nothing is created in them."""
    (tmp_path / "postgres.dsn").write_text(services.create_database())
    path = tmp_path / "test.toml"
    path.write_text(f"""
schemas = "{REPOSITORY}/schemas"
deployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"

[kafka]
bootstrap_servers = "{services.bootstrap}"

[topics]
event = "activity_{uuid.uuid4().hex[:12]}"
partitions = 4

[store]
kind = "postgres"
dsn = "file:postgres.dsn"

[registry]
tracking_uri = "sqlite:///registry/mlflow.db"
artifact_root = "registry/artifacts"

[stream]
checkpoint = "checkpoints/score_events"
scoring_log = "scoring_log"

[drift]
checkpoint = "checkpoints/detect_drift"
window_s = 5
window_events = 500
trigger_s = 2

[http]
port_file = "."

[spark]
master = "local[2,4]"
""")
    return path
