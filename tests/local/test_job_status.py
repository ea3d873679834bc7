from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.local.job_status import jobs
from streaming.local.processes import free_port


class Readiness(BaseHTTPRequestHandler):
    code = 200

    def do_GET(self) -> None:
        self.send_response(self.code if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
        pass


@pytest.fixture(params=[(200, "ready"), (503, "not ready yet")])
def answering(request: pytest.FixtureRequest) -> Iterator[tuple[int, str]]:
    code, detail = request.param
    server = HTTPServer(("127.0.0.1", 0), type("Answer", (Readiness,), {"code": code}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, detail
    server.shutdown()
    server.server_close()


def write_port(home: Path, text: str) -> None:
    (home / "run").mkdir(parents=True, exist_ok=True)
    (home / "run" / "score_events.port").write_text(text)


def test_a_job_that_answers_tells_whether_it_is_ready(tmp_path: Path, answering: tuple[int, str]) -> None:
    port, detail = answering
    write_port(tmp_path, f"{port}\n")
    (job,) = jobs(tmp_path)
    assert (job.name, job.running, job.port, job.detail) == ("score-events", True, port, detail)


def test_a_job_that_is_gone_or_half_written_is_down(tmp_path: Path) -> None:
    assert jobs(tmp_path) == []
    write_port(tmp_path, str(free_port()))
    assert [(job.running, job.detail) for job in jobs(tmp_path)] == [(False, "does not answer")]
    write_port(tmp_path, "")
    assert not jobs(tmp_path)[0].running


def test_status_and_down_of_what_was_never_started(tmp_path: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["status", "--json", "--home", str(tmp_path / "var")])
    assert shown.exit_code == 1
    assert [(one["name"], one["running"], one["detail"]) for one in json.loads(shown.output)] == [
        ("kafka", False, "never started"),
        ("postgres", False, "never started"),
    ]
    down = runner.invoke(app, ["down", "--home", str(tmp_path / "var")])
    assert (down.exit_code, down.output) == (0, "nothing was running\n")
    assert not (tmp_path / "var").exists()
