"""One set of Kafka settings for two clients: `kafka.client` is written in librdkafka's words, Spark's client speaks Java's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streaming.config import Kafka
from streaming.errors import ConfigError

# The same word and meaning in both clients.
_SHARED = frozenset(
    {"security.protocol", "client.id", "client.rack", "client.dns.lookup", "connections.max.idle.ms", "reconnect.backoff.ms"}
    | {"reconnect.backoff.max.ms", "metadata.max.age.ms", "ssl.key.password", "sasl.kerberos.service.name"}
)
# They concern librdkafka's own sockets and logs; Spark's client has nothing to be told.
_LIBRDKAFKA_ONLY = ("socket.", "broker.address.", "log", "debug", "statistics.", "queue.", "enable.sparse.connections")
_LOGIN = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_CREDENTIALS = frozenset({"sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password"})
_PEM_FILES = {"ssl.certificate.location": "ssl.keystore.certificate.chain", "ssl.key.location": "ssl.keystore.key"}


def spark_kafka_options(kafka: Kafka) -> dict[str, str]:
    """Options of Spark's Kafka source: the brokers and `kafka.client` in Java's words, `kafka.spark_client` above them.

    Raises ConfigError for a setting without a counterpart, so that none is ignored.
    """
    options = {"bootstrap.servers": kafka.bootstrap_servers, **java_settings(kafka.client), **kafka.spark_client}
    return {f"kafka.{name}": value for name, value in options.items()}


def java_settings(client: Mapping[str, str]) -> dict[str, str]:
    """Settings of the Java client that mean what librdkafka's mean.

    >>> java_settings({"security.protocol": "SSL", "ssl.ca.location": "/etc/ca.pem"})
    {'security.protocol': 'SSL', 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': '/etc/ca.pem'}
    """
    settings: dict[str, str] = {}
    for name, value in client.items():
        if name in _SHARED:
            settings[name] = value
        elif name == "ssl.ca.location":
            settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": value}
        elif name in _PEM_FILES:
            settings |= {"ssl.keystore.type": "PEM", _PEM_FILES[name]: _text(name, value)}
        elif name == "ssl.endpoint.identification.algorithm":
            settings[name] = "" if value == "none" else value
        elif name not in _CREDENTIALS and not name.startswith(_LIBRDKAFKA_ONLY):
            raise ConfigError(
                f"kafka.client.{name} has no counterpart in Spark's Kafka client; take it out, "
                "or name what Spark's client is to do in kafka.spark_client"
            )
    return settings | _sasl(client)


def _sasl(client: Mapping[str, str]) -> dict[str, str]:
    mechanism = client.get("sasl.mechanism", client.get("sasl.mechanisms"))
    if mechanism is None:
        return {}
    if mechanism not in _LOGIN:
        raise ConfigError(f"kafka.client.sasl.mechanism {mechanism} is not supported; expected one of {', '.join(_LOGIN)}")
    missing = [name for name in ("sasl.username", "sasl.password") if name not in client]
    if missing:
        raise ConfigError(f"kafka.client.{missing[0]} is required with sasl.mechanism {mechanism}; add it as env:NAME or file:PATH")
    user, password = (_quoted(client[name]) for name in ("sasl.username", "sasl.password"))
    login = f"{_LOGIN[mechanism]} required username={user} password={password};"
    return {"sasl.mechanism": mechanism, "sasl.jaas.config": login}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"kafka.client.{name}: {path}: {error.strerror}; name a PEM file") from None
