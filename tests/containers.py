"""The services of the tests as containers, for machines that have Docker and the images: SCORING_TEST_SERVICES=containers.

The same tests run on them as on the embedded ones. Both listen on fixed free ports, so that a test may stop one and start it again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from testcontainers.core.container import DockerContainer

from streaming.local import kafka
from streaming.local.processes import free_port

KAFKA_IMAGE, POSTGRES_IMAGE = "apache/kafka:4.2.0", "postgres:18"
READY_S = 120


class Containers:
    """A broker and a PostgreSQL, each in a container."""

    def __init__(self) -> None:
        """Raises docker.errors.DockerException if Docker or an image is not there."""
        self._kafka_port, self._postgres_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self._kafka_port}"
        self.dsn = f"postgresql://scoring:scoring@127.0.0.1:{self._postgres_port}/scoring"
        self._kafka, self._postgres = _kafka(self._kafka_port).start(), _postgres(self._postgres_port).start()
        self._wait("kafka", self._kafka_answers)
        self._wait("postgres", self._postgres_answers)

    def down(self) -> None:
        """Stop both and remove them."""
        self._kafka.stop()
        self._postgres.stop()

    def stop_postgres(self) -> None:
        """Take the store away; its data stay."""
        self._postgres.get_wrapped_container().stop()

    def start_postgres(self) -> None:
        """Bring the store back."""
        self._postgres.get_wrapped_container().start()
        self._wait("postgres", self._postgres_answers)

    def stop_kafka(self) -> None:
        """Take the broker away; its data stay."""
        self._kafka.get_wrapped_container().stop()

    def start_kafka(self) -> None:
        """Bring the broker back."""
        self._kafka.get_wrapped_container().start()
        self._wait("kafka", self._kafka_answers)

    def create_database(self) -> str:
        """A fresh database; returns its connection string."""
        return fresh_database(self.dsn)

    def _kafka_answers(self) -> bool:
        return kafka.answers(self.bootstrap)

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _wait(name: str, answers: Callable[[], bool]) -> None:
        until = time.monotonic() + READY_S
        while not answers():
            assert time.monotonic() < until, f"the container of {name} did not answer within {READY_S} s"
            time.sleep(0.5)


def _kafka(port: int) -> DockerContainer:
    largest = str(kafka.MAX_MESSAGE_BYTES)
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:9094",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_MESSAGE_MAX_BYTES": largest,
        "KAFKA_REPLICA_FETCH_MAX_BYTES": largest,
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    for name, value in settings.items():
        container = container.with_env(name, value)
    return container


def _postgres(port: int) -> DockerContainer:
    container = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port).with_command("postgres -c track_commit_timestamp=on")
    for name in ("USER", "PASSWORD", "DB"):
        container = container.with_env(f"POSTGRES_{name}", "scoring")
    return container


def fresh_database(dsn: str) -> str:
    """Make a database at a server; returns its connection string."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()
