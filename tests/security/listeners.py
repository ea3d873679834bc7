"""One real broker with a listener for each way to come in, an authorizer, and servers whose certificates are wrong on purpose."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from security.certificates import Authority, Issued

from streaming.kafka.acls import Grant
from streaming.local import kafka
from streaming.local.processes import Remembered, free_port, launch, stop, wait_until_ready

# name → protocol and whether the client must show a certificate. PLAIN is the test's own way in, as super user.
LISTENERS = {
    "PLAIN": ("PLAINTEXT", "none"),
    "SCRAM": ("SASL_SSL", "requested"),
    "MTLS": ("SSL", "required"),
    "TOKEN": ("SASL_SSL", "none"),
    "EXPIRED": ("SSL", "none"),
    "ELSEWHERE": ("SSL", "none"),
}
_SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_TOKEN = "org.apache.kafka.common.security.oauthbearer"


@dataclass(frozen=True)
class Broker:
    """A running broker: its listeners' ports, the authority of its certificates, and a client for super users."""

    ports: Mapping[str, int]
    authority: Authority
    log: Path

    def at(self, listener: str) -> str:
        """host:port of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"

    @cached_property
    def admin(self) -> AdminClient:
        """A super user's client."""
        return AdminClient({"bootstrap.servers": self.at("PLAIN"), "log_level": 0})

    def grant(self, principal: str, *grants: Grant) -> None:
        """Give a principal exactly these rights, beside those that it has."""
        bindings = [
            AclBinding(
                ResourceType[grant.resource.upper()],
                grant.name,
                ResourcePatternType.LITERAL,
                principal,
                "*",
                _operation(operation),
                AclPermissionType.ALLOW,
            )
            for grant in grants
            for operation in grant.operations
        ]
        if not bindings:
            return
        admin = self.admin
        for future in admin.create_acls(bindings).values():
            future.result(30)
        # They are in the log; the broker that asks its authorizer may be a moment behind.
        end = time.monotonic() + 30
        while not set(bindings) <= set(admin.describe_acls(_all_of(principal)).result(30)):
            assert time.monotonic() < end, f"the rights of {principal} do not hold"
            time.sleep(0.05)


def _all_of(principal: str) -> AclBindingFilter:
    return AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, principal, None, AclOperation.ANY, AclPermissionType.ANY)


def _operation(name: str) -> AclOperation:
    return AclOperation["".join(f"_{letter}" if letter.isupper() else letter for letter in name).lstrip("_").upper()]


@contextmanager
def running_broker(
    home: Path, authority: Authority, *, users: Mapping[str, str], keys: str, issuer: str = "https://issuer.test"
) -> Iterator[Broker]:
    """A broker with the LISTENERS above, ended with the block.

    users: SCRAM users with their passwords; keys: URL of the token issuer's keys (JWKS).
    """
    ports = {name: free_port() for name in [*LISTENERS, "CONTROLLER"]}
    home.mkdir(parents=True)
    properties = home / "server.properties"
    lines = [*_base(home, ports), *_certificates(authority), *_logins(keys, issuer)]
    properties.write_text("\n".join(lines) + "\n")
    _format(properties, users)
    memory, log = Remembered(port=ports["PLAIN"]), home / "kafka.log"
    # Since 4.0 a broker asks only addresses for keys that it was told of on its command line.
    allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"
    command = kafka._java("kafka.Kafka", str(properties))
    running = launch([command[0], allowed, "-XX:TieredStopAtLevel=1", *command[1:]], log=log, memory=memory)
    try:
        wait_until_ready("kafka", running, lambda: kafka.answers(f"127.0.0.1:{ports['PLAIN']}"), log=log)
        yield Broker(ports, authority, log)
    finally:
        stop(running, signal.SIGTERM)


def _base(home: Path, ports: Mapping[str, int]) -> list[str]:
    text = kafka.PROPERTIES.format(
        broker=ports["PLAIN"], controller=ports["CONTROLLER"], data=home / "data", max_bytes=kafka.MAX_MESSAGE_BYTES
    )
    kept = [line for line in text.splitlines() if not line.startswith(("listeners=", "advertised.listeners="))]
    where = ",".join(f"{name}://127.0.0.1:{ports[name]}" for name in LISTENERS)
    protocols = ",".join(f"{name}:{protocol}" for name, (protocol, _) in LISTENERS.items())
    return [
        *kept,
        f"listeners={where},CONTROLLER://127.0.0.1:{ports['CONTROLLER']}",
        f"advertised.listeners={where}",
        f"listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}",
        "inter.broker.listener.name=PLAIN",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",  # who comes in by PLAIN and CONTROLLER; every other listener asks who it is, or has no user's rights
        "ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    ]


def _certificates(authority: Authority) -> list[str]:
    right = authority.issue("broker")
    wrong = {
        "EXPIRED": authority.issue("expired", expired=True),
        "ELSEWHERE": authority.issue("elsewhere", hosts=("broker.elsewhere.test",)),
    }
    lines = []
    for name, (protocol, client) in LISTENERS.items():
        if "SSL" in protocol:
            prefix = f"listener.name.{name.lower()}.ssl"
            lines += [f"{prefix}.keystore.type=PEM", f"{prefix}.keystore.location={_store(wrong.get(name, right))}"]
            lines += [f"{prefix}.truststore.type=PEM", f"{prefix}.truststore.location={authority.file}", f"{prefix}.client.auth={client}"]
    return lines


def _store(issued: Issued) -> Path:
    """One file with key and certificate, as Java's PEM store wants them."""
    path = issued.key.with_suffix(".store.pem")
    path.write_bytes(issued.key.read_bytes() + issued.certificate.read_bytes())
    return path


def _logins(keys: str, issuer: str) -> list[str]:
    token = "listener.name.token"
    return [
        "listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512",
        f"listener.name.scram.scram-sha-512.sasl.jaas.config={_SCRAM_LOGIN}",
        f"{token}.sasl.enabled.mechanisms=OAUTHBEARER",
        f"{token}.oauthbearer.sasl.jaas.config={_TOKEN}.OAuthBearerLoginModule required;",
        f"{token}.oauthbearer.sasl.server.callback.handler.class={_TOKEN}.OAuthBearerValidatorCallbackHandler",
        f"{token}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={keys}",
        f"{token}.oauthbearer.sasl.oauthbearer.expected.audience=kafka",
        f"{token}.oauthbearer.sasl.oauthbearer.expected.issuer={issuer}",
    ]


def _format(properties: Path, users: Mapping[str, str]) -> None:
    added = [f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in users.items()]
    command = kafka._java("kafka.tools.StorageTool", "format", "--cluster-id=MkU3OEVBNTcwNTJENDM2Qg", "-c", str(properties), *added)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
