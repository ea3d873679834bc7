"""A broker with every kind of listener, an issuer of tokens and the clients that may come in; for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from security.certificates import Authority
from security.listeners import Broker, running_broker
from security.token_issuer import ISSUER, TokenIssuer, running_issuer

from streaming.settings import Kafka

PASSWORD = 'scram"canary\\1'
KEY_PASSWORD = "keycanary1"
TOKEN_SECRET = "tokencanary1"
USERS = (
    "operator", "score-events", "detect-drift", "producer", "replay", "report", "alerts", "validate-data", "join-labels", "labels",
    "write-metrics", "tracker", "nobody",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The broker and what clients of each kind say to it. other: an authority that signed nothing of it."""

    broker: Broker
    issuer: TokenIssuer
    other: Authority
    ways: Mapping[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    """name → listener and kafka.client of one that is right"""

    def kafka(self, way: str, *, listener: str = "", **changed: str | None) -> Kafka:
        """Settings of a client that comes in that way; changed: settings with _ for the dots, None takes one out."""
        usual, client = self.ways[way]
        changes = {name.replace("_", "."): value for name, value in changed.items()}
        found = {name: value for name, value in (client | changes).items() if value is not None}
        return Kafka(bootstrap_servers=self.broker.at(listener or usual), client=found, wait_s=10)

    def owner(self) -> Kafka:
        """Who may do everything: the test's own way in."""
        return Kafka(bootstrap_servers=self.broker.at("PLAIN"))

    def scram(self, user: str) -> Kafka:
        """A client that logs in as that user."""
        return self.kafka("scram", sasl_username=user)


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """A site in an empty folder, ended with the block."""
    authority, other = Authority("ours", folder / "ours"), Authority("theirs", folder / "theirs")
    with ExitStack() as stack:
        issuer = stack.enter_context(running_issuer(folder / "issuer", authority, {"token-user": TOKEN_SECRET}))
        users = dict.fromkeys(USERS, PASSWORD)
        broker = stack.enter_context(running_broker(folder / "broker", authority, users=users, keys=issuer.keys, issuer=ISSUER))
        yield Site(broker, issuer, other, _ways(authority, issuer))


def _ways(authority: Authority, issuer: TokenIssuer) -> dict[str, tuple[str, dict[str, str]]]:
    plain, locked = authority.issue("mtls-user"), authority.issue("locked-user", password=KEY_PASSWORD)
    ca = {"ssl.ca.location": str(authority.file)}
    scram = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "nobody", "sasl.password": PASSWORD}
    shown = {"ssl.certificate.location": str(plain.certificate), "ssl.key.location": str(plain.key)}
    hidden = {"ssl.certificate.location": str(locked.certificate), "ssl.key.location": str(locked.key), "ssl.key.password": KEY_PASSWORD}
    token = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "token-user",
        "sasl.oauthbearer.client.secret": TOKEN_SECRET,
        "sasl.oauthbearer.token.endpoint.url": issuer.endpoint,
        "https.ca.location": str(authority.file),
    }
    return {
        "scram": ("SCRAM", ca | scram),
        "mtls": ("MTLS", {"security.protocol": "SSL"} | ca | shown),
        "mtls with a key's password": ("MTLS", {"security.protocol": "SSL"} | ca | hidden),
        "token": ("TOKEN", ca | token),
    }
