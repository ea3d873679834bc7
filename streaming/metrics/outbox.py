"""What was tracked and is not yet acknowledged: segments in a folder of this process's own, bounded in bytes.

    <root>/<process>/lock          held while the process lives
    <root>/<process>/00000001.seg  see segment.py
A folder whose lock nobody holds is of a process that died: whoever opens the outbox next takes its segments over.
Delivery: at least once. A segment that was sent and not yet deleted is sent again; a record's id lets the reader drop it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Literal

import structlog

from streaming.errors import OutboxFull
from streaming.metrics.segment import Frame, Segment, read_segment

SEGMENT_BYTES = 1_048_576
Fsync = Literal["always", "segment", "never"]
OnFull = Literal["block", "raise"]
_log = structlog.get_logger("streaming.outbox")


class Outbox:
    """Takes frames from any thread, and hands them in whole segments to one that sends them.

    limit_bytes: most that waits; what was taken over counts. on_full: whether `append` waits for room or raises OutboxFull.
    """

    def __init__(self, root: Path, *, limit_bytes: int, on_full: OnFull = "block", fsync: Fsync = "segment") -> None:
        self._limit_bytes, self._on_full, self._fsync = limit_bytes, on_full, fsync
        self._changed = threading.Condition()
        self._sealed: deque[Path] = deque()
        self._sizes: dict[Path, int] = {}
        self._active: Segment | None = None
        self._number, self._hurry, self._open = 0, False, True
        self._locks = _adopt(root)
        for folder in self._locks:
            for path in sorted(folder.glob("*.seg")):
                self._sealed.append(path)
                self._sizes[path] = path.stat().st_size
        self.folder = root / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.folder.mkdir(parents=True)
        self._locks[self.folder] = _locked(self.folder)

    @property
    def waiting_bytes(self) -> int:
        """Bytes not yet acknowledged."""
        return sum(self._sizes.values()) + (self._active.size_bytes if self._active else 0)

    def append(self, frame: Frame) -> None:
        """Add a frame; when this returns the kernel has it, and the disk with fsync=always.

        Raises OutboxFull (on_full=raise) and OSError (the disk is full, say); then nothing was added.
        """
        with self._changed:
            while self.waiting_bytes + len(frame.value) > self._limit_bytes and self.waiting_bytes > 0:
                if self._on_full == "raise":
                    raise OutboxFull(
                        f"{self.waiting_bytes:,} bytes wait in {self.folder.parent}, tracking.outbox_bytes allows {self._limit_bytes:,}; "
                        "see that the brokers answer, then track again"
                    )
                self._hurry = True
                self._changed.notify_all()
                self._changed.wait(1)
            if self._active is None:
                self._number += 1
                self._active = Segment(self.folder / f"{self._number:08}.seg")
            self._active.append(frame, sync=self._fsync == "always")
            if self._active.size_bytes >= SEGMENT_BYTES:
                self._seal()
            self._changed.notify_all()

    def take(self, linger_s: float) -> Path | None:
        """The oldest segment, sealed; waits until there is one. None once the outbox is closed.

        linger_s: how long a segment that has begun is filled before it is handed over.
        """
        with self._changed:
            while self._open and not self._sealed and self._active is None:
                self._changed.wait()
            until = time.monotonic() + linger_s
            while self._open and not self._sealed and not self._hurry and (left_s := until - time.monotonic()) > 0:
                self._changed.wait(left_s)
            if not self._open:
                return None
            if not self._sealed:
                self._seal()
            return self._sealed[0]

    def release(self, path: Path) -> None:
        """A segment is acknowledged: it is deleted, or set aside as *.broken where it holds what cannot be read."""
        with self._changed:
            if not path.exists():  # closed meanwhile, and taken over by another process
                return
            if broken := read_segment(path).broken:
                path.rename(path.with_suffix(".broken"))
                _log.error("segment_broken", path=str(path), reason=broken, remedy="what follows is lost; see the disk")
            else:
                path.unlink()
            self._sealed.remove(path)
            self._sizes.pop(path)
            self._hurry = self._hurry and self.waiting_bytes > 0
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """Hand over without lingering, and wait until all is acknowledged. Returns whether it is."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            empty = self._changed.wait_for(lambda: not self._sizes and self._active is None, timeout_s)
            self._hurry = False
            return empty

    def forsake(self) -> None:
        """In a forked child: let go of the parent's locks, so that they end with the parent. Nothing else of it may be used."""
        for lock in self._locks.values():
            os.close(lock)

    def stop(self) -> None:
        """Nothing is handed over any more: `take` returns None."""
        with self._changed:
            self._open = False
            self._seal()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and leave what waits on disk for the next who opens the root."""
        self.stop()
        with self._changed:
            for folder, lock in self._locks.items():
                if not any(folder.glob("*.seg")) and not any(folder.glob("*.broken")):
                    (folder / "lock").unlink(missing_ok=True)
                    with suppress(OSError):
                        folder.rmdir()
                os.close(lock)
            self._locks = {}

    def _seal(self) -> None:
        if self._active is None:
            return
        self._active.seal(sync=self._fsync != "never")
        self._sealed.append(self._active.path)
        self._sizes[self._active.path] = self._active.size_bytes
        self._active = None


def _adopt(root: Path) -> dict[Path, int]:
    """Folders of processes that live no more → their locks, now ours."""
    found = {}
    for folder in sorted(path.parent for path in root.glob("*/lock")):
        with suppress(BlockingIOError, FileNotFoundError):  # its process lives, or another has just cleared it away
            found[folder] = _locked(folder)
    return found


def _locked(folder: Path) -> int:
    """The descriptor of a folder's lock, held. Raises BlockingIOError where another process holds it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
