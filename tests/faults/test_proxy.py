"""What the proxy does to a connection, on sockets of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from faults.proxy import CommitReply, Proxy

COMMITTED = b"C\0\0\0\x0bCOMMIT\0"
READY = b"Z\0\0\0\x05I"


class Echo:
    """A server that sends back what comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line:
            try:
                while piece := line.recv(4096):
                    line.sendall(piece)
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def through(echo: Echo) -> Iterator[Callable[..., tuple[Proxy, socket.socket]]]:
    opened: list[tuple[Proxy, socket.socket]] = []

    def open_(**how: object) -> tuple[Proxy, socket.socket]:
        proxy = Proxy(echo.port, **how)  # type: ignore[arg-type]
        opened.append((proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=10)))
        return opened[-1]

    yield open_
    for proxy, line in opened:
        line.close()
        proxy.close()


Through = Callable[..., tuple[Proxy, socket.socket]]


def closed(line: socket.socket) -> bool:
    """Whether the other side has closed the connection, without another byte."""
    try:
        return line.recv(100) == b""
    except ConnectionResetError:
        return True


def test_it_forwards_both_ways(through: Through) -> None:
    _, line = through()
    line.sendall(b"hello")
    assert line.recv(10) == b"hello"


def test_a_cut_holds_everything_until_it_ends_and_tells_nobody(through: Through) -> None:
    proxy, line = through()
    line.sendall(b"a")
    assert line.recv(10) == b"a"
    proxy.cut()
    line.settimeout(0.5)
    line.sendall(b"b")
    with pytest.raises(TimeoutError):
        line.recv(10)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as second:
        second.sendall(b"c")
        proxy.resume()
        line.settimeout(10)
        assert (line.recv(10), second.recv(10)) == (b"b", b"c")


def test_a_delay_counts_each_way(through: Through) -> None:
    proxy, line = through()
    proxy.delay(100)
    began = time.monotonic()
    line.sendall(b"a")
    assert line.recv(10) == b"a"
    assert time.monotonic() - began >= 0.2


def test_dropped_connections_are_closed_and_new_ones_taken(through: Through) -> None:
    proxy, line = through()
    line.sendall(b"a")
    assert line.recv(10) == b"a"
    proxy.drop()
    assert closed(line)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as second:
        second.sendall(b"b")
        assert second.recv(10) == b"b"


def test_the_reply_to_commit_is_swallowed_with_its_connection(through: Through) -> None:
    left = [1]

    def armed() -> bool:
        left[0] -= 1
        return left[0] >= 0

    proxy, line = through(replies=lambda: CommitReply(armed))
    line.sendall(COMMITTED + READY)
    assert closed(line)
    assert proxy.cuts == 1
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as second:
        second.sendall(COMMITTED)
        assert second.recv(100) == COMMITTED, "only as often as it is armed"


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_reply_is_found_however_it_is_cut_into_pieces(size: int) -> None:
    stream = b"N" + b"R\0\0\0\x08\0\0\0\0" + b"C\0\0\0\x0aBEGIN\0" + b"D\0\0\0\x10C\0\0\0\x0bCOMMIT\0" + COMMITTED + READY
    reply = CommitReply(lambda: True)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = [reply(piece) for piece in pieces]
    assert found.count(True) == 1
    assert found.index(True) == (len(stream) - len(READY) - 1) // size
