"""Segments of the outbox: what was appended whole is read back, whatever happens to the file's end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.metrics.segment import HEADER, Contents, Frame, Segment, encoded, read_segment

FRAMES = [Frame(b"d", b"one"), Frame(b"", b""), Frame(b"deployment", bytes(range(256)) * 40)]


def written(folder: Path, frames: list[Frame] = FRAMES) -> Path:
    segment = Segment(folder / "1.seg")
    for frame in frames:
        assert segment.append(frame, sync=False) == len(encoded(frame))
    segment.seal(sync=True)
    assert segment.path.stat().st_size == segment.size_bytes
    return segment.path


def test_frames_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_segment(written(tmp_path)) == Contents(FRAMES, "")


def test_a_file_cut_anywhere_gives_the_frames_before_the_cut(tmp_path: Path) -> None:
    data = written(tmp_path).read_bytes()
    ends = [len(HEADER) + sum(len(encoded(frame)) for frame in FRAMES[:count]) for count in range(len(FRAMES) + 1)]
    cut = tmp_path / "cut.seg"
    for size in [*range(120), len(data) - 1, len(data)]:
        cut.write_bytes(data[:size])
        whole = sum(end <= size for end in ends[1:])
        assert read_segment(cut) == Contents(FRAMES[:whole], ""), size


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_read_as_a_frame(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("s") / "flipped.seg"
    data = bytearray(HEADER + b"".join(map(encoded, FRAMES)))
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(data)
    found = read_segment(path)
    assert found.frames == FRAMES[: len(found.frames)]
    assert len(found.frames) < len(FRAMES)


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PAR1PAR1PAR1")
    assert read_segment(tmp_path / "x") == Contents([], "its header is not that of a segment")


FULL = """
import resource, signal, sys
from pathlib import Path
from streaming.metrics.segment import Frame, Segment, read_segment
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
segment = Segment(Path(sys.argv[1]))
done = 0
try:
    while True:
        segment.append(Frame(b"k", b"v" * 300), sync=False)
        done += 1
except OSError:
    found = read_segment(segment.path)
    assert (len(found.frames), found.broken) == (done, ""), found
    assert segment.path.stat().st_size == segment.size_bytes
    segment.append(Frame(b"", b"small"), sync=False)
    assert read_segment(segment.path).frames[-1] == Frame(b"", b"small")
    sys.exit(7)
"""


def test_a_disk_that_is_full_leaves_the_frames_before(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE >= 0 and signal.SIGXFSZ
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "1.seg")], env=dict(os.environ), capture_output=True, check=False)
    assert done.returncode == 7, done.stderr.decode()
