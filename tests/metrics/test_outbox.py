"""The outbox: bounded, in order, handed over by segments, and taken over from a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streaming.errors import OutboxFull
from streaming.metrics.outbox import SEGMENT_BYTES, Outbox
from streaming.metrics.segment import Frame, read_segment


def frame(number: int, size: int = 10) -> Frame:
    return Frame(b"d", f"{number:08}".encode().ljust(size, b"."))


def drained(outbox: Outbox) -> list[int]:
    """The numbers of all frames that wait, which are released."""
    found: list[int] = []
    while outbox.waiting_bytes:
        path = outbox.take(0)
        assert path is not None
        found += [int(one.value[:8]) for one in read_segment(path).frames]
        outbox.release(path)
    return found


def test_frames_come_out_in_order_and_then_the_folder_is_gone(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, limit_bytes=10 * SEGMENT_BYTES)
    for number in range(3000):
        outbox.append(frame(number, 1000))
    assert len(list(outbox.folder.glob("*.seg"))) > 1
    assert drained(outbox) == list(range(3000))
    outbox.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_outbox_raises_and_takes_again_once_there_is_room(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, limit_bytes=5000, on_full="raise")
    for number in range(9):
        outbox.append(frame(number, 500))
    with pytest.raises(OutboxFull, match=r"bytes wait in .*tracking.outbox_bytes allows 5,000; see that the brokers answer"):
        outbox.append(frame(9, 500))
    kept = drained(outbox)
    assert kept == list(range(9))
    outbox.append(frame(0))
    outbox.close()


def test_a_full_outbox_blocks_until_there_is_room(tmp_path: Path) -> None:
    outbox, done = Outbox(tmp_path, limit_bytes=5000), threading.Event()

    def fill() -> None:
        for number in range(100):
            outbox.append(frame(number, 500))
        done.set()

    thread = threading.Thread(target=fill)
    thread.start()
    found: list[int] = []
    while not done.is_set() or outbox.waiting_bytes:
        if not outbox.waiting_bytes:
            time.sleep(0.001)
            continue
        path = outbox.take(0)
        assert path is not None
        assert outbox.waiting_bytes <= 5000 + 600
        found += [int(one.value[:8]) for one in read_segment(path).frames]
        outbox.release(path)
    thread.join()
    assert found == list(range(100))
    outbox.close()


def test_what_waits_at_the_end_goes_with_the_next(tmp_path: Path) -> None:
    first = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    first.append(frame(1))
    first.close()
    assert first.take(0) is None
    second = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    second.append(frame(2))
    assert drained(second) == [1, 2]
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_living_process_is_left_alone(tmp_path: Path) -> None:
    first = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    first.append(frame(1))
    second = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    assert second.waiting_bytes == 0
    second.close()
    assert drained(first) == [1]
    first.close()


KILLED = """
import sys
from pathlib import Path
from streaming.metrics.outbox import Outbox
from streaming.metrics.segment import Frame
outbox = Outbox(Path(sys.argv[1]), limit_bytes=10**9, fsync=sys.argv[2])
number = 0
while True:
    outbox.append(Frame(b"d", f"{number:08}".encode()))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


@pytest.mark.parametrize("fsync", ["always", "segment", "never"])
def test_a_killed_process_loses_nothing_that_it_was_told_is_kept(tmp_path: Path, fsync: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), fsync], stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split()]
    process.wait()
    outbox = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    found = drained(outbox)
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1, "one was kept, and its process killed before it said so"
    outbox.close()


def test_a_segment_that_cannot_be_read_is_set_aside_and_told(tmp_path: Path) -> None:
    first = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    for number in range(3):
        first.append(frame(number))
    first.close()
    (path,) = tmp_path.glob("*/*.seg")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    second = Outbox(tmp_path, limit_bytes=SEGMENT_BYTES)
    with capture_logs() as logs:
        assert drained(second) == [0, 1]
    assert [(line["event"], "checksum" in line["reason"]) for line in logs] == [("segment_broken", True)]
    second.close()
    assert [path.suffix for path in tmp_path.glob("*/*") if path.name != "lock"] == [".broken"]
