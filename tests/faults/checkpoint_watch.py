"""What a checkpoint's folder says while a job works on it, read with plain file access: batches committed, offsets, plans."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

POLL_S = 0.05
Offsets = dict[str, dict[int, int]]
"""topic → partition → offset after the last"""


class CheckpointWatch:
    """Looks again and again, so that what is removed or changed meanwhile is known.

    commits: batch → when its commit was written (s since 1970). plans: name of the file → every text that it ever had.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self.commits: dict[int, float] = {}
        self.plans: dict[str, list[str]] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="checkpoint-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look once more, and stop."""
        self._end.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Read what is new or changed."""
        for path in _files(self._checkpoint / "commits"):
            if path.name.isdigit() and int(path.name) not in self.commits:
                self.commits[int(path.name)] = path.stat().st_mtime
        for path in _files(self._checkpoint / "plans"):
            self._read_plan(path)

    def _read_plan(self, path: Path) -> None:
        if not path.name[:1].isdigit():
            return
        stat = path.stat()
        if self._seen.get(path.name) == (stat.st_mtime_ns, stat.st_size):
            return
        text = path.read_text(encoding="utf-8")
        self._seen[path.name] = (stat.st_mtime_ns, stat.st_size)
        if text not in self.plans.setdefault(path.name, []):
            self.plans[path.name].append(text)

    def _follow(self) -> None:
        while not self._end.wait(POLL_S):
            try:
                self.look()
            except FileNotFoundError:
                continue  # removed between two looks


def longest_wait(moments: Iterable[float], commits: Collection[float]) -> float | None:
    """Seconds from each of the moments to the first commit after it, the longest; 0 without moments, None if none came after one.

    >>> longest_wait([10.0, 20.0], [9.0, 12.5, 21.0, 22.0]), longest_wait([10.0], [9.0]), longest_wait([], [9.0])
    (2.5, None, 0.0)
    """
    longest = 0.0
    for moment in moments:
        after = [at for at in commits if at > moment]
        if not after:
            return None
        longest = max(longest, min(after) - moment)
    return round(longest, 2)


def committed_offsets(checkpoint: Path) -> Offsets:
    """Where the last batch that was planned ends, if it is committed; else nothing."""
    offsets = [int(path.name) for path in _files(checkpoint / "offsets") if path.name.isdigit()]
    if not offsets or not (checkpoint / "commits" / str(max(offsets))).exists():
        return {}
    found: Offsets = {}
    for line in (checkpoint / "offsets" / str(max(offsets))).read_text(encoding="utf-8").splitlines()[2:]:
        if line.startswith("{"):
            found |= {topic: {int(part): end for part, end in parts.items()} for topic, parts in json.loads(line).items()}
    return found


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
