"""Small files of ours in a checkpoint: there whole or not at all, created only if absent, wherever the checkpoint lies.

A checkpoint on this machine is written by Python itself: Hadoop's local file system makes a checksum file beside each file and is asked
through the JVM's socket, twenty calls of a millisecond or more for one plan, which every event of the batch would wait for.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from py4j.protocol import Py4JJavaError

from streaming.errors import Unavailable

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK)  # of some mounted file systems: there a look and a rename must do


class CheckpointFiles(Protocol):
    """Files by their name below the checkpoint, such as `plans/7`. Each method raises Unavailable if the file system refuses."""

    def read(self, name: str) -> str | None:
        """A file's text; None if there is no such file."""

    def create(self, name: str, text: str) -> bool:
        """Write a file unless there is one of that name. Returns whether it was written; it is there whole or not at all."""

    def remove(self, name: str) -> bool:
        """Remove a file. Returns whether it was there."""


def checkpoint_files(jvm: Any, hadoop_conf: Any, checkpoint: str) -> CheckpointFiles:
    """The files of a checkpoint, by Python where Hadoop takes its path for a local one.

    jvm, hadoop_conf: of the driver. checkpoint: Hadoop path.
    """
    path = jvm.org.apache.hadoop.fs.Path(checkpoint)
    system = path.getFileSystem(hadoop_conf)
    if system.getUri().getScheme() == "file":
        return LocalFiles(Path(path.toUri().getPath()))
    return HadoopFiles(jvm, system, checkpoint)


class LocalFiles:
    """Files on this machine. A link makes a complete file appear under its name, and fails if the name is taken."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> str | None:
        """See CheckpointFiles."""
        try:
            return (self._root / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(name, error) from None

    def create(self, name: str, text: str) -> bool:
        """See CheckpointFiles."""
        path = self._root / name
        hidden = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")  # its writer's own
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            hidden.write_text(text, encoding="utf-8")
            return _linked(hidden, path)
        except OSError as error:
            raise _refused(name, error) from None
        finally:
            with suppress(OSError):
                hidden.unlink()

    def remove(self, name: str) -> bool:
        """See CheckpointFiles."""
        try:
            (self._root / name).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(name, error) from None
        return True


def _linked(file: Path, path: Path) -> bool:
    try:
        os.link(file, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            return False
        file.rename(path)
    return True


class HadoopFiles:
    """Files of any file system that Hadoop knows; the rename of a complete file is what makes it appear."""

    def __init__(self, jvm: Any, system: Any, root: str) -> None:
        self._jvm, self._system, self._root = jvm, system, root.rstrip("/")

    def read(self, name: str) -> str | None:
        """See CheckpointFiles."""
        path = self._at(name)
        try:
            if not self._system.exists(path):
                return None
            stream = self._system.open(path)
            try:
                return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
            finally:
                stream.close()
        except Py4JJavaError as error:
            raise _refused(name, error.java_exception.getMessage()) from None

    def create(self, name: str, text: str) -> bool:
        """See CheckpointFiles."""
        folder, _, last = name.rpartition("/")
        hidden, path = self._at(f"{folder}/.{last}.tmp"), self._at(name)
        try:
            stream = self._system.create(hidden, True)  # makes its folder too
            stream.write(bytearray(text.encode()))
            stream.close()
            # Some file systems would overwrite by the rename, hence the look before; others refuse by themselves.
            return not self._system.exists(path) and bool(self._system.rename(hidden, path))
        except Py4JJavaError as error:
            raise _refused(name, error.java_exception.getMessage()) from None

    def remove(self, name: str) -> bool:
        """See CheckpointFiles."""
        try:
            return bool(self._system.delete(self._at(name), False))
        except Py4JJavaError as error:
            raise _refused(name, error.java_exception.getMessage()) from None

    def _at(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._root}/{name}")


def _refused(name: str, reason: object) -> Unavailable:
    return Unavailable(f"the checkpoint's file {name} cannot be read or written: {reason}")
