"""TLS to PostgreSQL: libpq against a proxy that ends TLS before a real server, for the embedded one was built without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from security.certificates import Authority, Issued
from security.tls_proxy import tls_proxy

from streaming.errors import Unavailable
from streaming.sinks.connection import connect

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("ours", tmp_path_factory.mktemp("authority"))


def through(services: Any, port: int, authority: Authority, **other: str) -> str:
    """The server's connection string, by the proxy and over TLS that is checked in full."""
    return make_conninfo(services.dsn, port=port, sslmode="verify-full", sslrootcert=str(authority.file), **other)


def target(services: Any) -> tuple[str, int]:
    found = conninfo_to_dict(services.dsn)
    return str(found["host"]), int(found["port"])


def test_what_is_right_comes_in(services: Any, authority: Authority) -> None:
    with (
        tls_proxy(target(services), authority.issue("db"), postgres=True) as port,
        connect(through(services, port, authority), {"lock_timeout": "5s"}) as connection,
    ):
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT current_setting('lock_timeout')").fetchone() == ("5s",)


def test_a_client_certificate_is_shown(services: Any, authority: Authority) -> None:
    with tls_proxy(target(services), authority.issue("db"), postgres=True, clients_of=authority) as port:
        shown = authority.issue("client")
        both = {"sslcert": str(shown.certificate), "sslkey": str(shown.key)}
        connect(through(services, port, authority, **both)).close()
        with pytest.raises(Unavailable, match=r"PostgreSQL cannot be reached: .*certificate required|alert|closed"):
            connect(through(services, port, authority))


@pytest.mark.parametrize("wrong", ["another authority", "expired", "another host"])
def test_a_wrong_certificate_is_refused_in_one_line(services: Any, authority: Authority, tmp_path: Path, wrong: str) -> None:
    issued: dict[str, tuple[Issued, str]] = {
        "another authority": (Authority("others", tmp_path).issue("db"), r"certificate verify failed \(unable to get .* issuer"),
        "expired": (authority.issue("old", expired=True), r"certificate verify failed \(certificate has expired\); see .*sslrootcert"),
        "another host": (authority.issue("elsewhere", hosts=("db.test",)), r'does not match host name "127\.0\.0\.1"'),
    }
    with tls_proxy(target(services), issued[wrong][0], postgres=True) as port, pytest.raises(Unavailable, match=issued[wrong][1]) as told:
        connect(through(services, port, authority))
    assert_silent(str(told.value), services)


def test_a_wrong_password_is_refused_in_one_line(services: Any, authority: Authority) -> None:
    refused = pytest.raises(Unavailable, match='password authentication failed for user "scoring"')
    with tls_proxy(target(services), authority.issue("db"), postgres=True) as port, refused as told:
        connect(through(services, port, authority, password="hunter2canary"))
    assert_silent(str(told.value), services)


def test_a_server_without_tls_is_refused(services: Any, authority: Authority) -> None:
    with pytest.raises(Unavailable, match="server does not support SSL, but SSL was required") as told:
        connect(through(services, target(services)[1], authority))
    assert_silent(str(told.value), services)


def assert_silent(line: str, services: Any) -> None:
    """One line, without a password."""
    assert "\n" not in line
    assert conninfo_to_dict(services.dsn)["password"] not in line
    assert "hunter2canary" not in line
