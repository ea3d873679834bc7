"""The keeper starts again what ends; the watch knows what a checkpoint held, even what is gone."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from faults.checkpoint_watch import CheckpointWatch, committed_offsets
from faults.keeper import Keeper

# What stands in for the product here: a program that says where it runs, has a child, and lives on.
PROGRAM = """
import os, subprocess, sys, time
print("started", os.getcwd(), os.environ["PLACE"], *sys.argv[1:], flush=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    """A keeper of that program, started."""
    (tmp_path / "streaming").mkdir()
    (tmp_path / "streaming" / "__init__.py").touch()
    (tmp_path / "streaming" / "cli.py").write_text(PROGRAM)
    keeper = Keeper(tmp_path / "c.toml", tmp_path / "job.log", source=tmp_path, environment={"PLACE": "here"})
    keeper.start()
    until(lambda: "started" in keeper.log.read_text() and len(psutil.Process(keeper.jvm()).children()) == 1)
    yield keeper
    keeper.close(wait_s=5)


def test_it_runs_the_build_of_its_folder_with_its_environment(keeper: Keeper, tmp_path: Path) -> None:
    assert keeper.log.read_text() == f"started {tmp_path} here run score-events --config {tmp_path}/c.toml\n"


def test_a_killed_job_is_gone_whole_and_started_again(keeper: Keeper) -> None:
    first = keeper.jvm()
    (child,) = psutil.Process(first).children()
    keeper.kill()
    until(lambda: keeper.log.read_text().count("started") == 2)
    assert keeper.jvm() != first
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert [(end.code, end.said.count("started")) for end in keeper.ends] == [(-signal.SIGKILL, 1)]


def test_on_hold_it_stays_down_until_let_go(keeper: Keeper) -> None:
    keeper.hold.set()
    keeper.kill()
    until(lambda: len(keeper.ends) == 1)
    with pytest.raises(ProcessLookupError, match="the job is down"):
        keeper.jvm()
    assert keeper.workers() == []
    keeper.hold.clear()
    until(lambda: keeper.log.read_text().count("started") == 2)


def test_closed_nothing_of_it_is_left(keeper: Keeper) -> None:
    pid = keeper.jvm()
    (child,) = psutil.Process(pid).children()
    keeper.close(wait_s=5)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert not psutil.pid_exists(pid)
    assert keeper.ends == []


def test_the_watch_keeps_what_is_removed_and_every_text_of_a_plan(tmp_path: Path) -> None:
    for folder in ("commits", "plans"):
        (tmp_path / folder).mkdir()
    (tmp_path / "commits" / "7").touch()
    os.utime(tmp_path / "commits" / "7", (1000.5, 1000.5))
    (tmp_path / "plans" / "7").write_text("one")
    (tmp_path / "plans" / ".8.tmp").write_text("half")
    watch = CheckpointWatch(tmp_path)
    until(lambda: watch.plans == {"7": ["one"]})
    (tmp_path / "commits" / "7").unlink()
    (tmp_path / "plans" / "7").write_text("another")
    until(lambda: watch.plans == {"7": ["one", "another"]})
    watch.close()
    assert watch.commits == {7: 1000.5}


def test_offsets_count_once_their_batch_is_committed(tmp_path: Path) -> None:
    assert committed_offsets(tmp_path) == {}
    for folder in ("commits", "offsets"):
        (tmp_path / folder).mkdir()
    (tmp_path / "offsets" / "0").write_text("v1\n{}\n" + json.dumps({"t": {"0": 5}}))
    (tmp_path / "commits" / "0").touch()
    (tmp_path / "offsets" / "1").write_text("v1\n{}\n" + json.dumps({"t": {"0": 9, "1": 2}}))
    assert committed_offsets(tmp_path) == {}
    (tmp_path / "commits" / "1").touch()
    assert committed_offsets(tmp_path) == {"t": {0: 9, 1: 2}}
