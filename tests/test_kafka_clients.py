"""One set of settings for two Kafka clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.config import Kafka
from streaming.errors import ConfigError
from streaming.kafka_clients import java_settings, spark_kafka_options


def test_the_brokers_and_what_both_clients_call_the_same_go_over_as_they_are() -> None:
    kafka = Kafka(bootstrap_servers="b:9092", client={"security.protocol": "SSL", "client.id": "churn"})
    expected = {"kafka.bootstrap.servers": "b:9092", "kafka.security.protocol": "SSL", "kafka.client.id": "churn"}
    assert spark_kafka_options(kafka) == expected


@pytest.mark.parametrize(
    ("mechanism", "module"),
    [
        ("PLAIN", "org.apache.kafka.common.security.plain.PlainLoginModule"),
        ("SCRAM-SHA-512", "org.apache.kafka.common.security.scram.ScramLoginModule"),
    ],
)
@pytest.mark.parametrize("key", ["sasl.mechanism", "sasl.mechanisms"])
def test_name_and_password_become_a_login_module(mechanism: str, module: str, key: str) -> None:
    settings = java_settings({key: mechanism, "sasl.username": "ann", "sasl.password": 'a"b\\c'})
    login = f'{module} required username="ann" password="a\\"b\\\\c";'
    assert settings == {"sasl.mechanism": mechanism, "sasl.jaas.config": login}


def test_pem_files_become_stores(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("CERT")
    (tmp_path / "key.pem").write_text("KEY")
    client = {"ssl.certificate.location": f"{tmp_path}/cert.pem", "ssl.key.location": f"{tmp_path}/key.pem", "ssl.key.password": "p"}
    assert java_settings(client) == {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "CERT",
        "ssl.keystore.key": "KEY",
        "ssl.key.password": "p",
    }


def test_the_name_of_the_host_is_not_checked_where_the_user_says_so() -> None:
    assert java_settings({"ssl.endpoint.identification.algorithm": "none"}) == {"ssl.endpoint.identification.algorithm": ""}


def test_what_concerns_librdkafka_alone_is_left_out() -> None:
    assert java_settings({"socket.keepalive.enable": "true", "broker.address.family": "v4", "debug": "all"}) == {}


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({"enable.ssl.certificate.verification": "false"}, "kafka.client.enable.ssl.certificate.verification has no counterpart"),
        ({"sasl.mechanism": "OAUTHBEARER"}, "OAUTHBEARER is not supported; expected one of PLAIN"),
        ({"sasl.mechanism": "PLAIN", "sasl.username": "ann"}, "kafka.client.sasl.password is required"),
        ({"ssl.key.location": "/nowhere/key.pem"}, "kafka.client.ssl.key.location: /nowhere/key.pem: No such file"),
    ],
)
def test_what_spark_cannot_be_told_is_an_error(client: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        java_settings(client)


def test_what_is_said_to_spark_stands_above_what_is_translated() -> None:
    kafka = Kafka(bootstrap_servers="b:1", client={"security.protocol": "SSL"}, spark_client={"security.protocol": "SASL_SSL", "x": "1"})
    assert spark_kafka_options(kafka) == {"kafka.bootstrap.servers": "b:1", "kafka.security.protocol": "SASL_SSL", "kafka.x": "1"}
