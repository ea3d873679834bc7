"""What OpenSSL finds wrong with a server's certificate: the clients of Kafka and PostgreSQL only say that something is."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

POSTGRES_REQUEST = bytes.fromhex("0000000804d2162f")
"""What PostgreSQL's clients send before TLS; the server answers S if it will."""
_WAIT_S = 5


def certificate_fault(
    host: str, port: int, *, ca_file: str | None = None, ca_text: str | None = None, check_host: bool = True, ask: bytes = b""
) -> str:
    """OpenSSL's words for what is wrong with the certificate at host:port; empty if nothing is, or if no certificate came.

    ca_file, ca_text: authorities (PEM; the file may be a folder), the machine's own without them. ask: bytes that go before TLS.
    """
    try:
        context = _context(ca_file, ca_text)
        context.check_hostname = check_host
        with socket.create_connection((host, port), timeout=_WAIT_S) as plain:
            if ask:
                plain.sendall(ask)
                plain.recv(1)
            context.wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except (OSError, ValueError):
        return ""
    return ""


def _context(ca_file: str | None, ca_text: str | None) -> ssl.SSLContext:
    if ca_file is not None and Path(ca_file).is_dir():
        return ssl.create_default_context(capath=ca_file)
    return ssl.create_default_context(cafile=ca_file, cadata=ca_text)
