"""A checkpoint that cannot be written is told before the job starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.micro_batch.checkpoint import check_checkpoint


def test_a_new_folder_and_an_old_one_will_do(tmp_path: Path) -> None:
    check_checkpoint("stream.checkpoint", str(tmp_path / "deep" / "down"))
    check_checkpoint("stream.checkpoint", f"file:{tmp_path}")
    assert not (tmp_path / "deep" / "down").exists()


def test_other_file_systems_are_not_asked() -> None:
    check_checkpoint("stream.checkpoint", "hdfs://nowhere:1/checkpoint")


@pytest.mark.parametrize("place", ["/proc/checkpoint", "/dev/null", "/dev/null/checkpoint"])
def test_a_place_that_cannot_be_written_is_told(place: str) -> None:
    with pytest.raises(ConfigError, match=r"^stream\.checkpoint: /\S+ cannot be written .*; name a folder"):
        check_checkpoint("stream.checkpoint", place)
