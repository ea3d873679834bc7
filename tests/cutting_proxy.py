"""A TCP proxy before PostgreSQL that cuts the connection at a COMMIT: before the server has it, or before the client has its reply."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # the protocol's message of a simple query
Side = Literal["never", "request", "reply"]


class CuttingProxy:
    """Carries connections to a server. `cut`: which message the next COMMIT loses, once; `cuts`: how many were lost."""

    def __init__(self, dsn: str) -> None:
        words = conninfo_to_dict(dsn)
        self._to = (str(words["host"]), int(str(words["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._listener.getsockname()[1])
        self.cut: Side = "never"
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server, deaf = socket.create_connection(self._to), threading.Event()
                threading.Thread(target=self._replies, args=(server, client, deaf), daemon=True).start()
                threading.Thread(target=self._requests, args=(client, server, deaf), daemon=True).start()

    @staticmethod
    def _replies(server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and not deaf.is_set():
                client.sendall(data)
        for end in (server, client):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _requests(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut != "never" and data.endswith(_COMMIT):
                    lost, self.cut, self.cuts = self.cut, "never", self.cuts + 1
                    deaf.set()
                    if lost == "request":
                        break
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
