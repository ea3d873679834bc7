"""A disk that can be full: a file system in memory, of a few megabytes, mounted for one run."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

_FILLER = "filler"
_PIECE = bytes(65536)


class SmallDisk:
    """A file system of its own at a folder. Raises RuntimeError where this machine does not allow a mount (only root may)."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "scoring-fault", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{folder}: a small file system cannot be mounted here ({done.stderr.strip()}); run as root")

    def fill(self) -> None:
        """Leave not one byte."""
        with (self.folder / _FILLER).open("ab", buffering=0) as file:
            piece = _PIECE
            while piece:
                try:
                    if file.write(piece) < len(piece):
                        piece = piece[: len(piece) // 2]
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece = piece[: len(piece) // 2]

    def free(self) -> None:
        """There is room again."""
        (self.folder / _FILLER).unlink()

    def close(self) -> None:
        """Take the file system away, with all that is on it, as soon as nobody uses it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
