"""The checkpoint's place, tried before a job starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from streaming.errors import ConfigError


def check_checkpoint(key: str, place: str) -> None:
    """See that a local checkpoint can be written; other file systems are asked when the query starts.

    key: the setting, for the message. Raises ConfigError. Leaves nothing behind.
    """
    if "://" in place or place.startswith("hdfs:"):
        return
    folder = Path(place.removeprefix("file:")).absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()  # asked of the disk: permissions alone do not tell a read-only one
    except OSError as error:
        raise ConfigError(f"{key}: {nearest} cannot be written ({error.strerror}); name a folder that this user can write") from None
