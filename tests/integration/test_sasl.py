"""Brokers that ask for a name and a password: one set of settings, in librdkafka's words, serves both Kafka clients."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from events import good
from service import Starter, produce, read_topic, select, wait_until

from streaming.config import Settings, load_settings
from streaming.local import kafka
from streaming.local.processes import Remembered, free_port, launch, stop
from streaming.sinks.migrate import migrate
from streaming.topics import create_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
LOGIN = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "ann", "sasl.password": 'se"cret'}
MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of our own whose clients must log in."""
    home = tmp_path_factory.mktemp("sasl")
    port, controller = free_port(), free_port()
    memory = Remembered(port=port, extra_port=controller)
    properties = kafka._configure(home, memory)
    text = properties.read_text().replace("PLAINTEXT://", "SASL_PLAINTEXT://", 1)
    text = text.replace("advertised.listeners=PLAINTEXT", "advertised.listeners=SASL_PLAINTEXT")
    properties.write_text(
        text
        + "listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT\n"
        + "security.inter.broker.protocol=SASL_PLAINTEXT\nsasl.mechanism.inter.broker.protocol=PLAIN\nsasl.enabled.mechanisms=PLAIN\n"
        + f'listener.name.sasl_plaintext.plain.sasl.jaas.config={MODULE} required username="broker" password="b" '
        + 'user_broker="b" user_ann="se\\\\"cret";\n'
    )
    running = launch(kafka._java("kafka.Kafka", str(properties)), log=home / "kafka.log", memory=memory)
    try:
        where = f"127.0.0.1:{port}"
        wait_until("the broker answers who logs in", lambda: _answers({"bootstrap.servers": where, **LOGIN, "log_level": "0"}))
        yield where
    finally:
        stop(running, signal.SIGTERM)


def _answers(client: dict[str, str]) -> bool:
    try:
        AdminClient(dict(client)).list_topics(timeout=2)
    except KafkaException:
        return False
    return True


@pytest.fixture
def settings(settings_file: Path, address: str, registry_table: str, services: object, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The test's configuration with the broker that asks, the password from the environment."""
    monkeypatch.setenv("TEST_PASSWORD", LOGIN["sasl.password"])
    text = settings_file.read_text()
    text = text.replace(text[text.index("tracking_uri") : text.index("[stream]")], registry_table)
    client = ", ".join(f'"{name}" = "{value}"' for name, value in (LOGIN | {"sasl.password": "env:TEST_PASSWORD"}).items())
    old = text[text.index("bootstrap_servers") : text.index("[topics]")]
    text = text.replace("[spark]", '[spark]\nconf = { "spark.hadoop.test.key" = "env:TEST_PASSWORD" }')
    settings_file.write_text(text.replace(old, f'bootstrap_servers = "{address}"\nclient = {{ {client} }}\n\n'))
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    return settings


def test_the_job_logs_in_with_both_clients_and_tells_the_password_nobody(
    settings: Settings, start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    sent = produce(settings, [*good(20), {"value": b"{"}])
    job = start().wait_ready()
    wait_until("the good are scored", lambda: len(select(settings, "SELECT 1 FROM prediction")) == len(sent) - 1)
    wait_until("the bad one is rejected", lambda: len(read_topic(settings, settings.topics.of("rejected"))) == 1)
    wait_until("metrics are published", lambda: len(read_topic(settings, settings.topics.of("metrics"))) >= 2)
    command_line = Path(f"/proc/{job.process.pid}/cmdline").read_bytes()
    assert not list((tmp_path / "tmp").glob("scoring-spark-*")), "what Spark has read is removed"
    assert job.terminate() == 0
    assert b"--properties-file" in command_line
    assert b"cret" not in command_line
    assert "cret" not in job.log.read_text()


def test_a_wrong_password_is_told_before_the_first_event(settings: Settings, start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "wrong")
    job = start()
    assert job.process.wait(timeout=120) != 0
    assert "Traceback" not in job.log.read_text()
    assert "kafka.client" in job.log.read_text()
