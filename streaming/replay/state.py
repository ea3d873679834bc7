"""The state of a replay run: a file that says what was asked, so that the same command goes on where it was stopped.

What was sent is not written here: the replay topic itself says it, for each message there names its run and its event.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from streaming.errors import ConfigError
from streaming.kafka.topic_span import Span
from streaming.records import rfc3339
from streaming.replay.selection import Selection


class Run(msgspec.Struct, frozen=True):
    """One replay. asked: the filters and the mapping as they were given; rejected: what of the rejected topic was looked at."""

    id: str
    started_at: str
    asked: dict[str, str]
    event: str
    selection: Selection
    mapping: str
    """the rules as JSON, applied to every event of this run"""
    rejected: Span
    replay: Span
    """the replay topic as this run found it: what it sent lies after that"""
    total: int | None = None
    """events meant, once the run has ended"""
    mended: int = 0
    """events meant that had a prediction already, and were not sent"""
    ended_at: str | None = None

    def ended(self, total: int, mended: int) -> Run:
        """The run with its end."""
        return msgspec.structs.replace(self, total=total, mended=mended, ended_at=rfc3339(datetime.now(UTC)))


def new_run(asked: dict[str, str], event: str, selection: Selection, mapping: str, *, rejected: Span, replay: Span) -> Run:
    """A run that begins now."""
    return Run(str(uuid4()), rfc3339(datetime.now(UTC)), asked, event, selection, mapping, rejected, replay)


def unfinished(folder: Path, asked: dict[str, str], event: str, mapping: str) -> Run | None:
    """The run of the same question that was stopped before its end, if there is one. Raises ConfigError for a broken file."""
    runs = [_load(path) for path in sorted(folder.glob("*.json"))]
    same = [run for run in runs if (run.asked, run.event, run.mapping) == (asked, event, mapping) and run.ended_at is None]
    return max(same, key=lambda run: run.started_at, default=None)


def save(folder: Path, run: Run) -> Path:
    """Write a run's file, whole or not at all. Returns its path."""
    path = folder / f"{run.id}.json"
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one replay at a time use the folder, which is made. Raises ConfigError if another one runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{folder}: another replay runs; wait for its end, or name another folder with --state") from None
        yield


def _load(path: Path) -> Run:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: not the state of a replay ({error}); move it away, or name another folder with --state") from None
