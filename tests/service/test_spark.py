"""The spark-submit command: what it names, and that it holds no secret."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.service.spark import submit_command, submit_environment
from streaming.settings import Settings

SECRETS = ("geheim-dsn", "geheim-sasl", "third= secretü")
JARS = [Path("/jars/kafka.jar"), Path("/jars/token.jar")]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SASL", SECRETS[1])
    (tmp_path / "test.toml").write_text(f"""
schemas = "schemas"
deployment = "d.toml"
[kafka]
bootstrap_servers = "broker:9092"
client = {{ "sasl.password" = "env:SASL" }}
[store]
dsn = "postgresql://me:{SECRETS[0]}@127.0.0.1/x"
[registry]
tracking_uri = "sqlite:///mlflow.db"
[stream]
checkpoint = "checkpoints/score"
[drift]
checkpoint = "checkpoints/drift"
[spark]
master = "local[3,4]"
driver_memory = "3g"
conf = {{ "spark.sql.shuffle.partitions" = "7", "spark.ui.enabled" = "true", "spark.hadoop.key" = "{SECRETS[2]}" }}
""")
    return load_settings(tmp_path / "test.toml")


@pytest.fixture
def command(settings: Settings) -> list[str]:
    return submit_command(Path("jobs/score_events.py"), Path("conf/prod.toml"), settings, jars=JARS, local_files=[Path("/jars/local.jar")])


def value(command: list[str], option: str) -> str:
    assert command.count(option) == 1
    return command[command.index(option) + 1]


def test_no_secret_stands_on_the_command_line(command: list[str], settings: Settings) -> None:
    assert settings.store.dsn.get_secret_value().count(SECRETS[0]) == 1
    assert settings.kafka.client == {"sasl.password": SECRETS[1]}
    assert [secret for secret in SECRETS if secret in " ".join(command)] == []


def test_it_is_the_installed_sparks_own_submit(command: list[str]) -> None:
    assert Path(command[0]).name == "spark-submit"
    assert Path(command[0]).is_file()


def test_the_jars_master_and_memory_are_named(command: list[str]) -> None:
    assert value(command, "--jars") == "/jars/kafka.jar,/jars/token.jar"
    assert (value(command, "--master"), value(command, "--driver-memory")) == ("local[3,4]", "3g")


def test_the_script_comes_after_every_option_and_gets_the_configuration(command: list[str]) -> None:
    assert command[-3:] == ["jobs/score_events.py", "--config", "conf/prod.toml"]


def test_an_operators_settings_stand_above_ours_in_a_file_that_only_we_can_read(command: list[str]) -> None:
    conf = dict(pair.split("=", 1) for option, pair in pairwise(command) if option == "--conf")
    assert "spark.ui.enabled" not in conf
    assert conf["spark.pyspark.python"] == sys.executable
    file = Path(value(command, "--properties-file"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "--load-spark-defaults" in command
    said = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert (said["spark.ui.enabled"], said["spark.sql.shuffle.partitions"]) == ("true", "7")
    assert said["spark.hadoop.key"].replace("\\", "") == "third= secretu00fc"


def test_there_are_no_pages_and_no_secret_of_kafkas_client_is_written(settings: Settings) -> None:
    plain = settings.model_copy(update={"spark": settings.spark.model_copy(update={"conf": {}})})
    command = submit_command(Path("jobs/score_events.py"), Path("conf/prod.toml"), plain, jars=JARS, local_files=[])
    conf = dict(pair.split("=", 1) for option, pair in pairwise(command) if option == "--conf")
    assert conf["spark.ui.enabled"] == "false"
    secret = ("kafka.sasl.jaas.config", "kafka.ssl.key.password", "kafka.ssl.keystore.key", "spark.hadoop.fs.s3a.access.key", "store.dsn")
    for pattern in (conf["spark.redaction.regex"], conf["spark.sql.redaction.options.regex"]):
        assert [name for name in secret if not re.search(pattern, name)] == []
        assert not re.search(pattern, "kafka.bootstrap.servers")


def test_the_environment_is_ours_with_our_java_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "yes")
    monkeypatch.setenv("JAVA_HOME", "/other")
    environment = submit_environment(Path("/opt/java"), "yarn")
    assert (environment["KEPT"], environment["JAVA_HOME"], environment["PYSPARK_PYTHON"]) == ("yes", "/opt/java", sys.executable)
    assert "SPARK_LOCAL_IP" not in environment


def test_a_local_master_binds_to_loopback_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    assert submit_environment(Path("/opt/java"), "local[2]")["SPARK_LOCAL_IP"] == "127.0.0.1"
    monkeypatch.setenv("SPARK_LOCAL_IP", "10.0.0.7")
    assert submit_environment(Path("/opt/java"), "local[2]")["SPARK_LOCAL_IP"] == "10.0.0.7"
