"""The benchmark of the read path runs, and measures what it says: in small, without its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "read_path.py"


@pytest.mark.integration
def test_both_questions_are_answered_by_an_index_while_the_writer_writes(tmp_path: Path) -> None:
    out = tmp_path / "read_path.json"
    small = ("--rows", "20000", "--batches", "2", "--reads", "100", "--summary", str(out))
    done = subprocess.run([sys.executable, str(PROGRAM), *small], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert "Index Scan using current_prediction_pkey" in found["reads"]["one entity"]["explain"]
    assert "Index Scan using current_prediction_risk" in found["reads"]["top 20 at risk"]["explain"]
    assert found["reads"]["writer"]["batches"] >= 1
    assert {kind: [turn["hot_share"] > 0.5 for turn in turns] for kind, turns in found["turns"].items()} == {
        "without": [True, True],
        "with": [False, False],
    }
