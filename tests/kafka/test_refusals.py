"""Why a broker lets nobody in, against servers that only shake hands: TLS's part needs no broker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from security.certificates import Authority, Issued
from security.tls_proxy import tls_proxy

from streaming.errors import ConfigError, TopicError, Unavailable
from streaming.kafka.refusals import Admin, told
from streaming.local.processes import free_port
from streaming.settings import Kafka


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("ours", tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def silent() -> Iterator[tuple[str, int]]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def client(port: int, authority: Authority) -> Kafka:
    settings = {"security.protocol": "SSL", "ssl.ca.location": str(authority.file)}
    return Kafka(bootstrap_servers=f"127.0.0.1:{port}", client=settings, wait_s=20)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("authority", "is not signed by an authority of kafka.client.ssl.ca.location"),
        ("expired", "has expired; let the broker's operator renew it"),
        ("host", "is not made for the name under which kafka.bootstrap_servers knows it"),
    ],
)
def test_a_wrong_certificate_is_told_at_once(silent: tuple[str, int], authority: Authority, tmp_path: Path, wrong: str, said: str) -> None:
    issued: dict[str, Issued] = {
        "authority": Authority("others", tmp_path).issue("broker"),
        "expired": authority.issue("old", expired=True),
        "host": authority.issue("elsewhere", hosts=("broker.test",)),
    }
    with tls_proxy(silent, issued[wrong]) as port, pytest.raises(ConfigError, match=f"127.0.0.1:{port}: the broker's certificate {said}"):
        Admin(client(port, authority)).topics()


def test_a_client_without_the_certificate_that_is_asked_for(silent: tuple[str, int], authority: Authority) -> None:
    with (
        tls_proxy(silent, authority.issue("broker"), clients_of=authority) as port,
        pytest.raises(ConfigError, match=r"refuses the certificate of kafka\.client, or misses one .*ssl\.certificate\.location"),
    ):
        Admin(client(port, authority)).topics()


def test_a_setting_that_librdkafka_does_not_know() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.client: No such configuration property: \"sasl\.pasword\""):
        Admin(Kafka(bootstrap_servers="b:1", client={"sasl.pasword": "canary"}))


def test_what_is_not_allowed_names_the_list() -> None:
    kafka = Kafka(bootstrap_servers="b:1")
    for code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
        found = told(kafka, "topic calls", KafkaError(code))
        assert isinstance(found, TopicError)
        assert str(found).startswith("topic calls: Broker: ")
        assert "scoring topics acls" in str(found)


def test_a_lost_connection_is_asked_why(silent: tuple[str, int], authority: Authority) -> None:
    lost = KafkaError(KafkaError._TRANSPORT)
    with tls_proxy(silent, authority.issue("expired", expired=True)) as port:
        assert isinstance(told(client(port, authority), "topic calls", lost), ConfigError)
    found = told(client(free_port(), authority), "topic calls", lost)
    assert isinstance(found, Unavailable)
    assert "topic calls: Local: Broker transport failure; see that the brokers are up" in str(found)
