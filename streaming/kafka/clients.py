"""One set of Kafka settings for two clients: `kafka.client` is written in librdkafka's words, Spark's client speaks Java's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streaming.errors import ConfigError
from streaming.settings import Kafka

# The same word and meaning in both clients.
_SHARED = frozenset(
    {"security.protocol", "client.id", "client.rack", "client.dns.lookup", "connections.max.idle.ms", "reconnect.backoff.ms"}
    | {"reconnect.backoff.max.ms", "metadata.max.age.ms", "sasl.kerberos.service.name"}
)
# They concern librdkafka's own sockets and logs; Spark's client has nothing to be told.
_LIBRDKAFKA_ONLY = ("socket.", "broker.address.", "log", "debug", "statistics.", "queue.", "enable.sparse.connections")
_SECURITY = "org.apache.kafka.common.security."
_LOGIN = {
    "PLAIN": f"{_SECURITY}plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_SECURITY}scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_SECURITY}scram.ScramLoginModule",
}
_TOKEN_LOGIN = f"{_SECURITY}oauthbearer.OAuthBearerLoginModule"
_TOKEN_HANDLER = f"{_SECURITY}oauthbearer.OAuthBearerLoginCallbackHandler"
_TOKEN_ENDPOINT = "sasl.oauthbearer.token.endpoint.url"  # noqa: S105  (a setting's name)
# librdkafka's words of the client-credentials flow, and those of Java's login module.
_TOKEN_OPTIONS = {
    "sasl.oauthbearer.client.id": "clientId",
    "sasl.oauthbearer.client.secret": "clientSecret",
    "sasl.oauthbearer.scope": "scope",
    "https.ca.location": "ssl.truststore.location",
}
_TOKEN_REQUIRED = (_TOKEN_ENDPOINT, "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret")
_CREDENTIALS = frozenset(
    {"sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password", "sasl.oauthbearer.method", _TOKEN_ENDPOINT, *_TOKEN_OPTIONS}
    | {"ssl.key.password"}
)
_AUTHORITIES = ("ssl.ca.location", "ssl.ca.pem")
_CERTIFICATE = ("ssl.certificate.location", "ssl.certificate.pem")
_KEY = ("ssl.key.location", "ssl.key.pem")
_PLAIN_KEY = "-----BEGIN PRIVATE KEY-----"


def spark_kafka_options(kafka: Kafka) -> dict[str, str]:
    """Options of Spark's Kafka source: the brokers and `kafka.client` in Java's words, `kafka.spark_client` above them.

    They hold the secrets of `kafka.client`; hand them to Spark alone.
    Raises ConfigError for a setting without a counterpart, so that none is ignored, and for files that cannot be used.
    """
    options = {"bootstrap.servers": kafka.bootstrap_servers, **java_settings(kafka.client), **kafka.spark_client}
    return {f"kafka.{name}": value for name, value in options.items()}


def java_settings(client: Mapping[str, str]) -> dict[str, str]:
    """Settings of the Java client that mean what librdkafka's mean. Raises ConfigError as `spark_kafka_options` does.

    >>> java_settings({"security.protocol": "SASL_SSL", "client.id": "churn"})
    {'security.protocol': 'SASL_SSL', 'client.id': 'churn'}
    """
    settings: dict[str, str] = {}
    for name, value in client.items():
        if name in _SHARED:
            settings[name] = value
        elif store := _store(name, value, client.get("ssl.key.password", "")):
            settings |= store
        elif name not in _CREDENTIALS and not name.startswith(_LIBRDKAFKA_ONLY):
            raise ConfigError(
                f"kafka.client.{name} has no counterpart in Spark's Kafka client; take it out, "
                "or name what Spark's client is to do in kafka.spark_client"
            )
    return settings | _sasl(client)


def _store(name: str, value: str, password: str) -> dict[str, str]:
    """What Java calls a store of certificates or keys; empty for a setting that names none. password: of a key."""
    if name in (*_AUTHORITIES, *_CERTIFICATE, *_KEY):
        text = value if name.endswith(".pem") else _text(name, value)
        if name in _AUTHORITIES:
            return {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": text}
        if name in _CERTIFICATE:
            return {"ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": text}
        return {"ssl.keystore.type": "PEM", "ssl.keystore.key": _key(name, text, password)}
    return {name: "" if value == "none" else value} if name == "ssl.endpoint.identification.algorithm" else {}


def _key(name: str, text: str, password: str) -> str:
    """A private key in the one form that every Java reads: PKCS#8, without a password (Java 17 cannot open those of today's OpenSSL)."""
    if _PLAIN_KEY in text:
        return text
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    try:
        found = load_pem_private_key(text.encode(), password.encode() if "ENCRYPTED" in text else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"kafka.client.{name}: not a private key (PEM) that kafka.client.ssl.key.password opens; mend either") from None
    return found.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _sasl(client: Mapping[str, str]) -> dict[str, str]:
    mechanism = client.get("sasl.mechanism", client.get("sasl.mechanisms"))
    if mechanism is None:
        return {}
    if mechanism == "OAUTHBEARER":
        return _token(client)
    if mechanism not in _LOGIN:
        known = ", ".join([*_LOGIN, "OAUTHBEARER"])
        raise ConfigError(f"kafka.client.sasl.mechanism {mechanism} is not supported; expected one of {known}")
    _require(client, ("sasl.username", "sasl.password"), mechanism)
    login = _login(_LOGIN[mechanism], {"username": client["sasl.username"], "password": client["sasl.password"]})
    return {"sasl.mechanism": mechanism, "sasl.jaas.config": login}


def _token(client: Mapping[str, str]) -> dict[str, str]:
    """A token from an OIDC provider by its client-credentials flow, which both clients know how to ask for."""
    if (method := client.get("sasl.oauthbearer.method", "default")) != "oidc":
        raise ConfigError(f"kafka.client.sasl.oauthbearer.method: expected oidc, found {method}; other ways cannot be shared with Spark")
    _require(client, _TOKEN_REQUIRED, "OAUTHBEARER")
    options = {java: client[name] for name, java in _TOKEN_OPTIONS.items() if name in client}
    if "https.ca.location" in client:
        options["ssl.truststore.type"] = "PEM"
    return {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.jaas.config": _login(_TOKEN_LOGIN, options),
        "sasl.login.callback.handler.class": _TOKEN_HANDLER,
        _TOKEN_ENDPOINT: client[_TOKEN_ENDPOINT],
    }


def _require(client: Mapping[str, str], names: tuple[str, ...], mechanism: str) -> None:
    missing = [name for name in names if name not in client]
    if missing:
        raise ConfigError(
            f"kafka.client.{missing[0]} is required with sasl.mechanism {mechanism}; add it, a secret as env:NAME or file:PATH"
        )


def _login(module: str, options: Mapping[str, str]) -> str:
    return " ".join([module, "required", *(f"{name}={_quoted(value)}" for name, value in options.items())]) + ";"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"kafka.client.{name}: {path}: {error.strerror}; name a PEM file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"kafka.client.{name}: {path}: not a PEM file; convert it by `openssl x509` or `openssl pkcs8`") from None
