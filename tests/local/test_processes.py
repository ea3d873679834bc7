from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from streaming.errors import ServiceError
from streaming.local.processes import Remembered, is_free, keep_or_choose, launch, recall, remember, stop, wait_until_ready, write_private

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def python(code: str, log: Path) -> Remembered:
    return launch([sys.executable, "-c", code], log=log, memory=Remembered(port=1))


def test_a_memory_is_read_as_written_and_private(tmp_path: Path) -> None:
    memory = Remembered(port=1, extra_port=2, pid=3, started=4.5)
    remember(tmp_path / "run" / "a.json", memory)
    assert recall(tmp_path / "run" / "a.json") == memory
    assert (tmp_path / "run" / "a.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["a.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"port": 1, "shoe": 2}'])
def test_a_broken_memory_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert recall(tmp_path / "a.json") is None


def test_a_pid_with_another_start_time_is_not_ours() -> None:
    assert Remembered(port=0, pid=os.getpid(), started=1.0).process() is None
    assert Remembered(port=0).process() is None


def test_stop_ends_a_process_that_ignores_the_gentle_signal(tmp_path: Path) -> None:
    memory = python(STUBBORN, tmp_path / "log")
    wait_until_ready("deaf one", memory, lambda: "deaf" in (tmp_path / "log").read_text(), log=tmp_path / "log")
    assert stop(memory, signal.SIGTERM, wait_s=0.3)
    assert memory.process() is None
    assert not stop(memory, signal.SIGTERM)


def test_a_process_that_ends_while_starting_is_told_with_its_last_words(tmp_path: Path) -> None:
    memory = python("raise SystemExit('no disk')", tmp_path / "log")
    with pytest.raises(ServiceError, match=r"thing ended while starting: no disk; see .*log"):
        wait_until_ready("thing", memory, lambda: False, log=tmp_path / "log")


def test_a_port_is_kept_unless_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert not is_free(taken)
        assert keep_or_choose(taken) != taken
    assert keep_or_choose(taken) == taken
    assert keep_or_choose(0) > 0


def test_a_private_file_replaces_one_that_anyone_could_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    (tmp_path / "secret").chmod(0o644)
    write_private(tmp_path / "secret", "new")
    assert (tmp_path / "secret").read_text() == "new"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
