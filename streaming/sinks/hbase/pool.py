"""A bounded number of connections to one Thrift server; one that failed, or that was idle for long, is replaced before its next use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from streaming.sinks.hbase.errors import judged_errors

IDLE_S = 30.0  # HBase's Thrift servers close a connection that was silent for 60 s


class ThriftPool:
    """Clients of the Thrift server at `address`, made by `connect` when they are needed, at most `size` at once."""

    def __init__(self, address: str, connect: Callable[[], Any], *, size: int) -> None:
        self.address = address
        self._connect = connect
        self._free = threading.Semaphore(size)
        self._idle: list[tuple[float, Any]] = []  # appended and popped, which Python does as one step

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A client for the time of the block; waits for a free one. What the client raises comes out as `judged_errors` tells."""
        with self._free, judged_errors(self.address):
            client, whole = self._take(), False
            try:
                yield client
                whole = True
            finally:
                if whole:
                    self._idle.append((time.monotonic(), client))
                else:
                    client.close()  # a reply may still be on its way: it would be taken for the next call's

    def close(self) -> None:
        """Close the idle connections; a later call opens new ones."""
        while self._idle:
            self._idle.pop()[1].close()

    def _take(self) -> Any:
        while self._idle:
            used, client = self._idle.pop()
            if time.monotonic() - used < IDLE_S:
                return client
            client.close()
        return self._connect()
