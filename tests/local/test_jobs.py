from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from streaming.errors import ServiceError
from streaming.local.jobs import Job, check_running, ended, interrupts_held, start_job, stop_jobs, wait_until_ready


def child(code: str, folder: Path) -> Job:
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    return Job("score-events", process, folder / "job.log", folder / "job.port")


def test_stopping_ends_a_job_and_what_it_started(tmp_path: Path) -> None:
    job = child("import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)", tmp_path)
    assert job.process.stdout is not None
    grandchild = int(job.process.stdout.readline())
    stop_jobs([job])
    assert job.process.returncode == -15
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_stopping_a_job_that_has_ended_is_harmless(tmp_path: Path) -> None:
    job = child("pass", tmp_path)
    job.process.wait()
    stop_jobs([job])
    stop_jobs([job])


def test_a_job_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path: Path) -> None:
    job = child("raise SystemExit(3)", tmp_path)
    with pytest.raises(ServiceError, match=r"exit code 3 before it was ready; see .*job\.log"):
        wait_until_ready(job)
    with pytest.raises(ServiceError, match="ended with exit code 3"):
        check_running([job])


def test_every_job_that_has_ended_is_named(tmp_path: Path) -> None:
    running, gone = child("import time; time.sleep(600)", tmp_path), child("raise SystemExit(3)", tmp_path)
    gone.process.wait()
    assert ended([running]) == ""
    assert ended([running, gone, gone]).count("ended with exit code 3; see ") == 2
    stop_jobs([running])


def test_an_interrupt_comes_once_what_was_started_is_noted_down() -> None:
    said: list[str] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: said.append("interrupted"))
    try:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            said.append("noted down")
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert said == ["noted down", "interrupted", "interrupted"]


def test_a_configuration_that_is_not_there_ends_the_job_with_one_line(tmp_path: Path) -> None:
    job = start_job("score-events", tmp_path / "none.toml", tmp_path)
    with pytest.raises(ServiceError, match="exit code 2"):
        wait_until_ready(job)
    assert job.log.read_text().strip().splitlines()[-1].startswith("scoring: ")


def test_a_job_is_ready_once_its_endpoint_says_so(tmp_path: Path) -> None:
    job = child("import time; time.sleep(600)", tmp_path)
    server = HTTPServer(("127.0.0.1", 0), Readiness)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(ServiceError, match="not ready within"):
            wait_until_ready(job, limit_s=0.1)
        job.port_file.write_text(f"{server.server_address[1]}\n")
        wait_until_ready(job)
        assert Readiness.asked == ["/readyz", "/readyz"]
    finally:
        server.shutdown()
        stop_jobs([job])


class Readiness(BaseHTTPRequestHandler):
    """Not ready the first time, ready the second."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(503 if len(self.asked) == 1 else 200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass
