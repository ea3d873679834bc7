"""The part of the fault suite that every test run pays for; the whole is `make chaos`, see docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.broken import BREAKAGES, caught, run_broken
from faults.home import Home
from faults.registry import chosen
from faults.run import run_once
from faults.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]
SEVERAL = "driver-kill-in-scoring+driver-kill-after-sinks-before-metrics+worker-kill"
DOUBLING = "a row that is written again gets a new id"


def test_two_kills_of_the_driver_and_three_of_workers_in_one_run(home: Home, tmp_path: Path) -> None:
    def short(world: World) -> None:
        world.events = 2400

    ((*several,),) = chosen([SEVERAL])
    result = run_once(home, several, 11, tmp_path / "run", short)
    assert result.holds(), result
    assert result.restarts == 2, "the driver died twice"
    assert result.recovery_s is not None
    assert result.verdict.acknowledged == 2400


def test_a_broken_build_is_caught_with_a_fault_of_that_run(home: Home, tmp_path: Path) -> None:
    (breakage,) = [one for one in BREAKAGES if one.law == DOUBLING]
    assert breakage.fault in SEVERAL
    result = run_broken(home, breakage, tmp_path)
    assert caught(breakage, result), result
