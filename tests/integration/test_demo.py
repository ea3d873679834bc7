"""The demo itself, as its user runs it, on fewer events."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests_support import as_from_a_terminal

from streaming.local.traffic import MOVED

pytestmark = pytest.mark.integration


def demo(home: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "streaming.cli", "demo", "--home", str(home), *options]


def users_of(home: Path) -> list[str]:
    """Command lines of processes that name the home, or run in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(home) in f"{line} {process.info['cwd'] or ''}":
            found.append(line)
    return found


def test_the_demo_holds_and_leaves_nothing_running(tmp_path: Path) -> None:
    summary = tmp_path / "out.json"
    done = subprocess.run(
        demo(tmp_path / "home", "--events", "3000", "--summary", str(summary)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(summary.read_text())
    assert found["acknowledged"] == 3000 == found["predicted"] + found["rejected"] + found["repeated"]
    assert sum(found["rejected_by_reason"].values()) == found["rejected"]
    assert len(found["rejected_by_reason"]) >= 12
    assert [found[name] for name in ("lost", "doubled", "altered", "misjudged", "unknown")] == [0] * 5
    assert found["drift_alerts_before_shift"] == []
    assert found["drift_alerts_after_shift"] == list(MOVED)
    assert set(found["latency_ms"]) == {"p50", "p95", "p99"}
    assert "<svg" in Path(found["report"]).read_text()
    assert users_of(tmp_path / "home") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(demo(home, "--events", "3000"), stdout=subprocess.DEVNULL, preexec_fn=as_from_a_terminal)
    while not (home / "run" / "score_events.port").is_file() and process.poll() is None:
        time.sleep(0.2)
    process.send_signal(number)
    assert process.wait() == 130
    assert users_of(home) == []
