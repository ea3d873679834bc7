"""happybase over TLS, against Thrift servers of a test's own behind a proxy that ends TLS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from happybase.connection import Hbase
from security.certificates import Authority, Issued
from security.tls_proxy import tls_proxy
from thriftpy2.protocol import TBinaryProtocolFactory
from thriftpy2.server import TThreadedServer
from thriftpy2.thrift import TProcessor
from thriftpy2.transport import TBufferedTransportFactory, TServerSocket

from streaming.errors import ConfigError, StoreError, Unavailable
from streaming.local.processes import free_port
from streaming.settings import HBaseSettings
from streaming.sinks.hbase.tls import TlsConnection, connection, tls_context


class Tables:
    """What a Thrift server of HBase's answers to the one call of these tests."""

    def getTableNames(self) -> list[bytes]:  # noqa: N802 (the service's own name)
        return [b"prediction"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("ours", tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("theirs", tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def right(authority: Authority) -> Issued:
    return authority.issue("thrift-proxy")


@pytest.fixture(scope="module")
def thrift() -> Iterator[tuple[str, int]]:
    address = "127.0.0.1", free_port()
    socket = TServerSocket(*address)
    server = TThreadedServer(TProcessor(Hbase, Tables()), socket, TBufferedTransportFactory(), TBinaryProtocolFactory(), daemon=True)
    socket.listen()
    threading.Thread(target=server.serve, daemon=True).start()
    yield address
    server.close()


def test_calls_go_through(thrift: tuple[str, int], authority: Authority, right: Issued) -> None:
    with (
        tls_proxy(thrift, right) as port,
        closing(TlsConnection("127.0.0.1", port, tls_context(authority.file), timeout=5000)) as found,
    ):
        assert found.tables() == [b"prediction"]
        found.close()
        found.open()
        assert found.tables() == [b"prediction"], "a connection that was closed can be opened again"


def test_the_configuration_says_whether_there_is_tls(thrift: tuple[str, int], authority: Authority, right: Issued) -> None:
    with tls_proxy(thrift, right) as port:
        for settings in (
            HBaseSettings(address=f"127.0.0.1:{thrift[1]}"),
            HBaseSettings(address=f"127.0.0.1:{port}", ca_file=authority.file),
        ):
            with closing(connection(settings)) as found:
                found.open()
                assert found.tables() == [b"prediction"]


def test_a_client_shows_its_certificate_where_it_is_asked_for(thrift: tuple[str, int], authority: Authority, right: Issued) -> None:
    with tls_proxy(thrift, right, clients_of=authority) as port:
        client = authority.issue("client")
        context = tls_context(authority.file, client.certificate, client.key)
        with closing(TlsConnection("127.0.0.1", port, context, timeout=5000)) as found:
            assert found.tables() == [b"prediction"]
        with closing(TlsConnection("127.0.0.1", port, tls_context(authority.file), timeout=5000)) as found, pytest.raises(OSError):
            found.tables()


def test_a_certificate_of_another_authority_is_refused(thrift: tuple[str, int], authority: Authority, other: Authority) -> None:
    with (
        tls_proxy(thrift, other.issue("proxy")) as port,
        pytest.raises(StoreError, match=r"127\.0\.0\.1:\d+.*certificate is refused .*issuer.*ca_file"),
    ):
        TlsConnection("127.0.0.1", port, tls_context(authority.file), timeout=5000)


def test_an_expired_certificate_is_refused(thrift: tuple[str, int], authority: Authority) -> None:
    with tls_proxy(thrift, authority.issue("old", expired=True)) as port, pytest.raises(StoreError, match="expired"):
        TlsConnection("127.0.0.1", port, tls_context(authority.file), timeout=5000)


def test_a_certificate_for_another_host_is_refused(thrift: tuple[str, int], authority: Authority) -> None:
    with tls_proxy(thrift, authority.issue("elsewhere", hosts=("hbase.test",))) as port, pytest.raises(StoreError, match="mismatch"):
        TlsConnection("127.0.0.1", port, tls_context(authority.file), timeout=5000)


def test_a_port_that_does_not_speak_tls_is_told(thrift: tuple[str, int], authority: Authority) -> None:
    with pytest.raises((StoreError, Unavailable), match=f"127.0.0.1:{thrift[1]}"):
        TlsConnection(*thrift, tls_context(authority.file), timeout=1000)


def test_nobody_there_is_to_wait_for(authority: Authority) -> None:
    with pytest.raises(Unavailable, match="cannot be reached.*refused"):
        TlsConnection("127.0.0.1", free_port(), tls_context(authority.file), timeout=1000)


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent.pem: No such file"):
        tls_context(tmp_path / "absent.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"text\.pem: .*PEM"):
        tls_context(tmp_path / "text.pem")
    locked = authority.issue("locked", password="p")
    with pytest.raises(ConfigError, match="without a password"):
        tls_context(authority.file, locked.certificate, locked.key)
