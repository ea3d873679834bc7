"""The demo on HBase: the same story with the same summary."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from streaming.local.traffic import MOVED

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_demo_holds_on_hbase(tmp_path: Path) -> None:
    summary = tmp_path / "out.json"
    command = [sys.executable, "-m", "streaming.cli", "demo", "--store", "hbase", "--home", str(tmp_path / "home"), "--events", "3000"]
    done = subprocess.run([*command, "--summary", str(summary)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(summary.read_text())
    assert found["acknowledged"] == 3000 == found["predicted"] + found["rejected"] + found["repeated"]
    assert [found[name] for name in ("lost", "doubled", "altered", "misjudged", "unknown")] == [0] * 5
    assert found["drift_alerts_before_shift"] == []
    assert found["drift_alerts_after_shift"] == list(MOVED)
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"] <= found["latency_ms"]["p99"]
