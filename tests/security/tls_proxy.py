"""A proxy that ends TLS before a server which speaks none: plain streams, and PostgreSQL's, whose clients ask for TLS first."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from security.certificates import Authority, Issued

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@contextmanager
def tls_proxy(target: tuple[str, int], issued: Issued, *, postgres: bool = False, clients_of: Authority | None = None) -> Iterator[int]:
    """The port of a proxy on loopback, ended with the block.

    postgres: answers PostgreSQL's request for TLS; who does not ask is sent away. clients_of: the authority by which clients must
    have a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    if clients_of is not None:
        context.load_verify_locations(clients_of.file)
        context.verify_mode = ssl.CERT_REQUIRED
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # closed: the end
            while True:
                client, _ = server.accept()
                threading.Thread(target=_carry, args=(client, context, target, postgres), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _carry(client: socket.socket, context: ssl.SSLContext, target: tuple[str, int], postgres: bool) -> None:
    with client, suppress(OSError):
        if postgres:
            if client.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
                return
            client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as inner, socket.create_connection(target) as outer:
            back = threading.Thread(target=_pump, args=(outer, inner), daemon=True)
            back.start()
            _pump(inner, outer)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
