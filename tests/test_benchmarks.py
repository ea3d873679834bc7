"""The benchmark of the validators runs, and what it tells is so: in small, without its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "validation.py"
INEXACT = {"msgspec", "msgspec to columns", "pydantic", "fastjsonschema"}


def _run(out: Path, *options: str) -> dict[str, Any]:
    """What the benchmark writes of 200 events."""
    pytest.importorskip("fastjsonschema", reason="needs the extra `bench`")
    small = ("--events", "200", "--repeats", "1", "--budget", "0.01", "--checked", "200", "--out", str(out))
    done = subprocess.run([sys.executable, str(PROGRAM), *small, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "goal 1.3 ×" in " ".join(done.stdout.split())
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_every_contender_is_measured_and_only_the_strict_ones_are_exact(tmp_path: Path) -> None:
    found = _run(tmp_path / "validation.json")
    assert list(found["schemas"]) == ["churn", "5 fields", "200 fields"]
    for contenders in found["schemas"].values():
        assert list(contenders) == ["ours", "msgspec", "msgspec to columns", "pydantic", "jsonschema-rs", "fastjsonschema", "jsonschema"]
        assert {name for name, each in contenders.items() if not each["exact"]} == INEXACT
        assert contenders["ours"]["wrong"] == {"accepted": 0, "refused": 0, "of": found["load"]["checked"]}
        assert all(list(each["events_per_s"]) == ["0 %", "1 %", "50 %"] for each in contenders.values())
        assert all(rate > 0 for each in contenders.values() for rate in each["events_per_s"].values())


@pytest.mark.integration
def test_spark_is_measured_by_the_processor_time_of_its_jvm(tmp_path: Path) -> None:
    found = _run(tmp_path / "validation.json", "--only", "5 fields", "--spark")
    spark = found["schemas"]["5 fields"]["Spark from_json"]
    assert spark["wrong"]["accepted"] > 0
    assert all(rate > 0 for rate in spark["events_per_s"].values())
