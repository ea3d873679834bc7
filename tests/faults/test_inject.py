"""Points of harm: each names a function that the product has, and strikes once, at its passing."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from functools import reduce
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from faults.faults_points import KILLS
from faults.home import REPOSITORY
from faults.world import INJECT


def _inject() -> ModuleType:
    spec = spec_from_file_location("inject_sitecustomize", INJECT / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


POINTS: dict[str, tuple[str, str, str]] = _inject().POINTS
PASSES = """
from streaming.sinks.record_topic import RecordTopic
class Records(RecordTopic):
    def __init__(self): pass
for number in range(1, 6):
    print(number, flush=True)
    try:
        Records().publish("topic", [])
    except AttributeError:
        print("called", number, flush=True)
"""
SCORES = """
from streaming.steps.score import Score
for number in range(3):
    try:
        Score.__call__(Score.__new__(Score), None, None)
    except (AttributeError, MemoryError) as error:
        print(type(error).__name__, flush=True)
"""


@pytest.mark.parametrize("point", POINTS)
def test_each_point_names_a_function_of_the_product(point: str) -> None:
    module, name, when = POINTS[point]
    assert callable(reduce(getattr, name.split("."), importlib.import_module(module)))
    assert when in ("before", "after")


def test_every_step_of_a_batch_has_a_point() -> None:
    assert set(KILLS) <= set(POINTS)


def _run(program: str, fault: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(INJECT), "SCORING_FAULT": fault, "SCORING_FAULT_FOLDER": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kill_strikes_the_whole_group_at_its_passing_and_only_once(tmp_path: Path) -> None:
    first = _run(PASSES, "after_sinks_before_metrics:3", tmp_path)
    assert (first.returncode, first.stdout.split()) == (-9, ["1", "called", "1", "2", "called", "2", "3"])
    assert (tmp_path / "after_sinks_before_metrics.done").exists()
    again = _run(PASSES, "after_sinks_before_metrics:3", tmp_path)
    assert (again.returncode, again.stdout.count("called")) == (0, 5)


def test_memory_is_refused_for_real_and_only_once(tmp_path: Path) -> None:
    done = _run(SCORES, "worker_oom:2", tmp_path)
    assert done.stdout.split() == ["AttributeError", "MemoryError", "AttributeError"], done.stderr


def test_without_being_asked_nothing_is_wrapped(tmp_path: Path) -> None:
    assert "'Finder'" not in _run("import sys; print([type(one).__name__ for one in sys.meta_path])", "", tmp_path).stdout
    assert "'Finder'" in _run("import sys; print([type(one).__name__ for one in sys.meta_path])", "after_plan:1", tmp_path).stdout
