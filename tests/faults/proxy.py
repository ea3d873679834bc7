"""A TCP proxy whose line can be cut, delayed, closed, or broken at the very reply that matters."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

_CHUNK = 65536


class Proxy:
    """Forwards 127.0.0.1:port to 127.0.0.1:target, from a thread of its own, until closed.

    replies: asked with every piece that the target sends, a new one for each connection; once it says True, both ends are closed
    and the piece is not passed on. cuts: how many connections ended so.
    """

    def __init__(self, target: int, *, replies: Callable[[], Callable[[bytes], bool]] | None = None) -> None:
        self._target, self._replies = target, replies
        self._loop = asyncio.new_event_loop()
        self._open, self._delay_s, self.cuts = asyncio.Event(), 0.0, 0
        self._lines: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._open.set()
        self._server = self._call(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """The network is gone: nothing passes, in either direction, and nobody is told. What was sent arrives after `resume`."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def delay(self, ms: float) -> None:
        """Every piece takes so much longer, each way; 0 is as before."""
        self._delay_s = ms / 1000

    def resume(self) -> None:
        """As if nothing had been."""
        self._delay_s = 0.0
        self._loop.call_soon_threadsafe(self._open.set)

    def drop(self) -> None:
        """Close every connection that there is; new ones are taken."""
        self._loop.call_soon_threadsafe(self._drop)

    def close(self) -> None:
        """End it, with all its connections."""
        self._loop.call_soon_threadsafe(self._open.set)
        self._loop.call_soon_threadsafe(self._server.close)
        self._call(self._ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _drop(self) -> None:
        for line in self._lines:
            line.transport.abort()

    async def _ended(self) -> None:
        self._drop()
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        with suppress(OSError):
            await self._open.wait()
            ahead, target = await asyncio.open_connection("127.0.0.1", self._target)
            self._lines.add(target)
            ends = self._replies() if self._replies else lambda _: False
            with suppress(ConnectionError):
                await asyncio.gather(self._pump(reader, target, lambda _: False), self._pump(ahead, writer, ends))
            self._forget(target)
        self._forget(writer)

    def _forget(self, line: asyncio.StreamWriter) -> None:
        line.transport.abort()
        self._lines.discard(line)

    async def _pump(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, ends: Callable[[bytes], bool]) -> None:
        while piece := await source.read(_CHUNK):
            await self._open.wait()
            if ends(piece):
                self.cuts += 1
                raise ConnectionAbortedError
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            to.write(piece)
            await to.drain()
        raise ConnectionResetError  # one side is done: a client of ours never closes one direction alone


class CommitReply:
    """Finds PostgreSQL's reply to COMMIT in what the server sends: the transaction stands, and the client is not to hear of it.

    armed: called at each such reply, says whether this one is to be cut.
    """

    def __init__(self, armed: Callable[[], bool]) -> None:
        self._armed, self._rest = armed, b""

    def __call__(self, piece: bytes) -> bool:
        """Whether the piece holds a reply that is to be cut."""
        data, found = self._rest + piece, False
        # Every message is a letter and a length that counts itself; a lone N answers a request for encryption.
        while len(data) >= 5 or data == b"N":
            size = 1 if data[:1] == b"N" and data[1:2] != b"\0" else 1 + int.from_bytes(data[1:5], "big")
            if len(data) < size:
                break
            found = found or data[:size] == b"C\0\0\0\x0bCOMMIT\0"
            data = data[size:]
        self._rest = data
        return found and self._armed()
