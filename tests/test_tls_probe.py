"""What is wrong with a certificate, from servers whose certificates are."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from security.certificates import Authority
from security.tls_proxy import tls_proxy

from streaming.local.processes import free_port
from streaming.tls_probe import POSTGRES_REQUEST, certificate_fault


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("ours", tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[str, int]]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.mark.parametrize("postgres", [False, True], ids=["tls", "postgres"])
def test_each_fault_has_its_words(target: tuple[str, int], authority: Authority, tmp_path: Path, postgres: bool) -> None:
    ask = POSTGRES_REQUEST if postgres else b""
    wrong = {
        "": authority.issue("right"),
        "certificate has expired": authority.issue("old", expired=True),
        "IP address mismatch, certificate is not valid for '127.0.0.1'.": authority.issue("elsewhere", hosts=("broker.test",)),
        "unable to get local issuer certificate": Authority("others", tmp_path).issue("theirs"),
    }
    for fault, issued in wrong.items():
        with tls_proxy(target, issued, postgres=postgres) as port:
            assert certificate_fault("127.0.0.1", port, ca_file=str(authority.file), ask=ask) == fault
            if "mismatch" in fault:
                text = authority.file.read_text()
                assert certificate_fault("127.0.0.1", port, ca_text=text, check_host=False, ask=ask) == ""


def test_where_no_certificate_comes_nothing_is_said(authority: Authority, tmp_path: Path) -> None:
    assert certificate_fault("127.0.0.1", free_port(), ca_file=str(authority.file)) == ""
    assert certificate_fault("127.0.0.1", free_port(), ca_file=str(tmp_path / "absent.pem")) == ""
