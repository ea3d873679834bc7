"""One set of settings for two Kafka clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from security.certificates import Authority

from streaming.errors import ConfigError
from streaming.kafka.clients import java_settings, spark_kafka_options
from streaming.settings import Kafka

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
TOKEN = {
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.client.id": "churn",
    "sasl.oauthbearer.client.secret": 's"1',
    "sasl.oauthbearer.token.endpoint.url": "https://issuer/token",
}


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
    authority = Authority("ours", tmp_path)
    issued = authority.issue("client")
    client = {"ssl.certificate.location": str(issued.certificate), "ssl.key.location": str(issued.key)}
    assert java_settings({"ssl.ca.location": str(authority.file)} | client) == {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": authority.file.read_text(),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": issued.certificate.read_text(),
        "ssl.keystore.key": issued.key.read_text(),
    }


def test_pem_texts_become_stores() -> None:
    assert java_settings({"ssl.ca.pem": "CA", "ssl.certificate.pem": "CERT", "ssl.key.pem": KEY}) == {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": "CA",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "CERT",
        "ssl.keystore.key": KEY,
    }


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("password", ["", "key-canary"])
def test_every_form_of_a_key_becomes_the_one_that_java_reads(form: PrivateFormat, password: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    told = {"ssl.key.pem": key.private_bytes(Encoding.PEM, form, secret).decode(), "ssl.key.password": "key-canary"}
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert java_settings(told) == {"ssl.keystore.type": "PEM", "ssl.keystore.key": plain}
    if password:
        with pytest.raises(ConfigError, match=r"ssl\.key\.pem: not a private key .*ssl\.key\.password") as wrong:
            java_settings(told | {"ssl.key.password": "wrong-canary"})
        assert "canary" not in str(wrong.value)


def test_a_token_is_asked_for_by_both_clients() -> None:
    settings = java_settings(TOKEN | {"sasl.oauthbearer.scope": "kafka", "https.ca.location": "/etc/ca.pem"})
    assert settings.pop("sasl.jaas.config") == (
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        'clientId="churn" clientSecret="s\\"1" scope="kafka" ssl.truststore.location="/etc/ca.pem" ssl.truststore.type="PEM";'
    )
    assert settings == {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.login.callback.handler.class": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        "sasl.oauthbearer.token.endpoint.url": "https://issuer/token",
    }


def test_the_name_of_the_host_is_not_checked_where_the_user_says_so() -> None:
    assert java_settings({"ssl.endpoint.identification.algorithm": "none"}) == {"ssl.endpoint.identification.algorithm": ""}


def test_what_concerns_librdkafka_alone_is_left_out() -> None:
    assert java_settings({"socket.keepalive.enable": "true", "broker.address.family": "v4", "debug": "all"}) == {}


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({"enable.ssl.certificate.verification": "false"}, "kafka.client.enable.ssl.certificate.verification has no counterpart"),
        ({"sasl.mechanism": "GSSAPI"}, "GSSAPI is not supported; expected one of PLAIN, .*, OAUTHBEARER"),
        ({"sasl.mechanism": "OAUTHBEARER"}, "sasl.oauthbearer.method: expected oidc, found default"),
        ({**TOKEN, "sasl.oauthbearer.config": "principal=me"}, "sasl.oauthbearer.config has no counterpart"),
        (
            {name: value for name, value in TOKEN.items() if "secret" not in name},
            "client.secret is required with sasl.mechanism OAUTHBEARER",
        ),
        ({"ssl.key.pem": "no key"}, "ssl.key.pem: not a private key"),
        ({"ssl.ca.location": "/"}, "ssl.ca.location: /: Is a directory"),
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
