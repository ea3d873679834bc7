"""A read-only schema registry on this machine: the published schemas over HTTP, for producers and for tests.

It binds to loopback unless it is told otherwise, and may demand an Authorization header; it speaks plain HTTP, so that across
machines a proxy with TLS belongs in front of it.
"""

from __future__ import annotations

import hmac
import json
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

import structlog

from streaming.errors import ServiceError
from streaming.schema_server.api import Answer, SchemaApi

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
MOST_BODY_BYTES = 4 * 1024 * 1024
_log = structlog.get_logger("streaming.schema_server")


class SchemaServer:
    """Serves an API; as a context manager it serves in a thread of its own until the block ends."""

    def __init__(self, api: SchemaApi, *, host: str = "127.0.0.1", port: int = 0, authorization: str = "") -> None:
        """port: 0 takes a free one; authorization: the header that every request must carry, empty for none.

        Raises ServiceError if the port is taken.
        """
        handler = type("Handler", (_Handler,), {"api": api, "authorization": authorization})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise ServiceError(f"schema registry: {host}:{port}: {error.strerror}; take another port with --port") from None

    @property
    def url(self) -> str:
        """Where it is served."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def serve(self) -> None:
        """Serve until `stop` is called from another thread."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End `serve`, hang up on every client, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def __enter__(self) -> Self:
        """Serve in a thread."""
        Thread(target=self.serve, name="schema-server", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self._open.add(connection)
        return connection, client

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep open: a thread of its own serves each of them."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    api: SchemaApi
    authorization: str
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "scoring-schemas", ""
    timeout = 60  # an idle connection is closed
    wbufsize, disable_nagle_algorithm = -1, True  # head and body in one packet: no wait for an acknowledgement between them

    def handle_one(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True  # what was not read would be taken for the next request
            self._send(Answer(413, {"error_code": 413, "message": f"A body of a stated length up to {MOST_BODY_BYTES} bytes is expected"}))
        elif self.authorization and not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.authorization.encode()):
            self._send(Answer(401, {"error_code": 40101, "message": "Unauthorized"}))
        else:
            self._send(self.api.answer("GET" if self.command == "HEAD" else self.command, self.path, body))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_one  # noqa: N815  # the names are http.server's

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or len(length) > 9 or "Transfer-Encoding" in self.headers:
            return None
        return self.rfile.read(int(length)) if int(length) <= MOST_BODY_BYTES else None

    def _send(self, answer: Answer) -> None:
        data = json.dumps(answer.body, ensure_ascii=False).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(data)))
        if answer.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="schemas"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        _log.info("request", client=self.address_string(), line=(format % args)[:300])
