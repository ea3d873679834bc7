"""The demo itself, as its user runs it, on fewer events."""

from __future__ import annotations

import json
import os
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
    assert found["drift_windows_before_shift"] > 0
    assert found["drift_alerts_after_shift"] == list(MOVED)
    assert set(found["latency_ms"]) == {"p50", "p95", "p99"}
    assert "<svg" in Path(found["report"]).read_text()
    assert users_of(tmp_path / "home") == []


def test_a_job_that_dies_while_events_are_sent_is_told_with_what_it_left_undone(tmp_path: Path) -> None:
    home, summary = tmp_path / "home", tmp_path / "out.json"
    summary.write_text("of an earlier demo")
    command = demo(home, "--events", "3000", "--summary", str(summary), "--no-live")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if "sent 900 of" in line:
                kill_job("score_events.py", home)
        complaints = process.stderr.read()
    assert process.returncode == 1, complaints
    assert f"the job score-events ended with exit code -9; see {home / 'log' / 'score-events.log'}" in complaints
    found = json.loads(summary.read_text())
    assert found["acknowledged"] == 3000 > found["lost"] > 0
    assert found["predicted"] + found["rejected"] > 0
    assert [found[name] for name in ("doubled", "altered", "misjudged", "unknown")] == [0] * 4
    assert users_of(home) == []


def kill_job(script: str, home: Path) -> None:
    """SIGKILL to the process group of the job that runs this script with a configuration in the home."""
    lines = {process.pid: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    groups = {os.getpgid(pid) for pid, line in lines.items() if script in line and f"{home}/conf" in line}
    assert groups
    for group in groups:
        os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGINT, "score_events.port"), (signal.SIGTERM, "postgres.dsn")])
def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    """By Ctrl-C while both jobs start, and by SIGTERM while the model is trained."""
    home = tmp_path / "home"
    process = subprocess.Popen(demo(home, "--events", "3000"), stdout=subprocess.DEVNULL, preexec_fn=as_from_a_terminal)
    while not (home / "run" / moment).is_file() and process.poll() is None:
        time.sleep(0.2)
    process.send_signal(number)
    assert process.wait() == 130
    assert users_of(home) == []
