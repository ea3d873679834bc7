"""The producer's own ledger: one JSON line for every message that the brokers acknowledged, and what must become of it."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from streaming.errors import ConfigError
from streaming.local.traffic import Expected, Sending
from streaming.records import rfc3339

Address = tuple[str, int, int]
"""topic, partition, offset"""


class Entry(msgspec.Struct, frozen=True):
    """One acknowledged message. `sha256`: hex, of the value; None for a null value. `produced`: RFC 3339, the message's time."""

    event_id: str
    customer: str
    kind: str
    expected: Expected
    topic: str
    partition: int
    offset: int
    sha256: str | None
    produced: str

    @property
    def address(self) -> Address:
        """Where the message lies."""
        return self.topic, self.partition, self.offset


def digest(value: bytes | None) -> str | None:
    """sha256 of a message's value in hex; None for a null value.

    >>> digest(b"")[:8]
    'e3b0c442'
    """
    return None if value is None else sha256(value).hexdigest()


class Ledger:
    """Writes entries as acknowledgements come. Use as a context manager; `expect` before each send, `delivered` as callback."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.acknowledged = 0
        self._file = path.open("w", encoding="utf-8")
        self._pending: defaultdict[tuple[bytes, str | None], deque[Sending]] = defaultdict(deque)

    def expect(self, sending: Sending) -> None:
        """Note a message that is about to be sent with its customer as the key."""
        self._pending[sending.customer.encode(), digest(sending.value)].append(sending)

    def delivered(self, key: bytes | None, value: bytes | None, topic: str, partition: int, offset: int, timestamp_ms: int) -> None:
        """Write the entry of an acknowledged message. Messages of one key and value are acknowledged in their order."""
        place = (key or b"", digest(value))
        sending = self._pending[place].popleft()
        if not self._pending[place]:
            del self._pending[place]
        produced = rfc3339(datetime.fromtimestamp(timestamp_ms / 1000, UTC))
        entry = Entry(sending.event_id, sending.customer, sending.kind, sending.expected, topic, partition, offset, place[1], produced)
        self._file.write(msgspec.json.encode(entry).decode() + "\n")
        self._file.flush()
        self.acknowledged += 1

    def __enter__(self) -> Self:
        """The ledger itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the file."""
        self._file.close()


def read_ledger(path: Path) -> list[Entry]:
    """The entries of a ledger, in the order of acknowledgement; a last line cut short by a crash is left out.

    Raises ConfigError if the file cannot be read or holds something else.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
        return [msgspec.json.decode(line, type=Entry) for line in lines if line.endswith(b"\n")]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name the ledger that `scoring produce --ledger` wrote") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not a ledger ({error}); name the one that `scoring produce --ledger` wrote") from None
