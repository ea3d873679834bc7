"""A small file system is full when it is filled, and takes files again when it is freed."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.small_disk import SmallDisk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        small = SmallDisk(tmp_path / "disk", 1)
    except RuntimeError as error:
        pytest.skip(str(error))
    yield small
    small.close()


def test_not_a_byte_is_left_until_it_is_freed(disk: SmallDisk) -> None:
    file = disk.folder / "file"
    disk.fill()
    with pytest.raises(OSError, match="No space left") as full:
        file.write_bytes(b"x")
    assert full.value.errno == errno.ENOSPC
    disk.free()
    assert file.write_bytes(b"x" * 100_000) == 100_000


def test_it_goes_away_with_what_is_on_it(disk: SmallDisk) -> None:
    (disk.folder / "file").write_bytes(b"x")
    disk.close()
    assert not (disk.folder / "file").exists()
    assert str(disk.folder) not in subprocess.run(["mount"], capture_output=True, text=True, check=True).stdout
