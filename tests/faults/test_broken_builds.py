"""The suite proves itself: every broken build is caught, and the intact one passes the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.broken import BREAKAGES, EVENTS, Breakage, Change, build, caught, fault_of, run_broken
from faults.checker import FINDINGS
from faults.home import Home
from faults.keeper import Keeper
from faults.run import run_once
from faults.world import INJECT, World

LAWS = [one.law for one in BREAKAGES]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=LAWS)
def test_each_breakage_applies_to_the_product_as_it_is(breakage: Breakage, tmp_path: Path) -> None:
    folder = build(breakage, tmp_path)
    for change in breakage.changes:
        text = (folder / "streaming" / change.file).read_text(encoding="utf-8")
        assert change.after in text
        compile(text, change.file, "exec")
    assert breakage.finding in FINDINGS
    assert fault_of(breakage).name == breakage.fault


def test_driver_and_workers_run_the_broken_build(tmp_path: Path) -> None:
    folder = build(BREAKAGES[0], tmp_path)
    (folder / "jobs" / "where.py").write_text("import streaming; print(streaming.__file__)")
    keeper = Keeper(folder / "c.toml", folder / "job.log", source=folder, environment={"PYTHONPATH": str(INJECT)})
    for program in (["jobs/where.py"], ["-c", "import streaming; print(streaming.__file__)"]):
        done = subprocess.run(
            [sys.executable, *program], cwd=folder, env=os.environ | keeper.environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == str(folder / "streaming" / "__init__.py"), done.stderr


def test_a_breakage_that_no_longer_applies_says_so(tmp_path: Path) -> None:
    gone = Breakage("gone", (Change("micro_batch/gather.py", "no such text", ""),), "worker-kill", "lost")
    with pytest.raises(ValueError, match="0 times, expected once; adapt the breakage"):
        build(gone, tmp_path)


@pytest.mark.chaos
@pytest.mark.integration
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("breakage", BREAKAGES, ids=LAWS)
def test_each_broken_build_is_caught(home: Home, breakage: Breakage, tmp_path: Path) -> None:
    result = run_broken(home, breakage, tmp_path)
    assert caught(breakage, result), result


@pytest.mark.chaos
@pytest.mark.integration
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted({one.fault for one in BREAKAGES}))
def test_the_intact_build_passes_the_same_run(home: Home, name: str, tmp_path: Path) -> None:
    def short(world: World) -> None:
        world.events = EVENTS

    (fault,) = {fault_of(one) for one in BREAKAGES if one.fault == name}
    result = run_once(home, [fault], 1, tmp_path / "run", short)
    assert result.holds(), result
