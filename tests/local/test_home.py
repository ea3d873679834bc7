from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.errors import ConfigError
from streaming.local import kafka
from streaming.local.home import MARKER, claim, clear, configuration
from streaming.local.processes import Remembered, remember

LOCAL = Path("conf/local.toml")


def test_the_default_home_uses_the_file_itself() -> None:
    assert configuration(LOCAL, Path("var")) == LOCAL


def test_another_home_gets_a_configuration_that_stays_inside_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "kafka.bootstrap").write_text("127.0.0.1:1\n")
    (tmp_path / "run" / "postgres.dsn").write_text("postgresql://127.0.0.1:2/x\n")
    settings = load_settings(configuration(LOCAL, tmp_path))
    assert settings.kafka.bootstrap_servers == "127.0.0.1:1"
    assert settings.http.port_file == tmp_path / "run"
    assert settings.registry.artifact_root == tmp_path / "registry" / "artifacts"
    assert settings.deployment.is_file()
    assert (settings.schemas / "customer_activity" / "v1.json").is_file()


def test_a_configuration_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        configuration(tmp_path / "none.toml", tmp_path / "home")


def test_clear_removes_a_demo_and_nothing_else(tmp_path: Path) -> None:
    claim(tmp_path)
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "report.html").write_text("x")
    (tmp_path / "mine.txt").write_text("x")
    clear(tmp_path)
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARKER, "mine.txt"]


@pytest.mark.parametrize("name", ["log", "mine"])
def test_a_folder_with_files_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    for refused in (claim, clear):
        with pytest.raises(ConfigError, match="no former demo's") as raised:
            refused(tmp_path)
        assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_new_and_an_empty_folder_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for home in (tmp_path / "new" / "home", tmp_path / "empty"):
        clear(home)
        clear(home)


def test_what_the_services_alone_left_is_cleared(tmp_path: Path) -> None:
    remember(kafka.memory_file(tmp_path), Remembered(port=1))
    (tmp_path / "log").mkdir()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_the_default_home_may_hold_what_other_commands_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var" / "schema_docs").mkdir(parents=True)
    clear(Path("var"))
    assert (tmp_path / "var" / "schema_docs").is_dir()


def test_the_default_home_is_not_cleared_of_a_strangers_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var" / "checkpoints").mkdir(parents=True)
    with pytest.raises(ConfigError, match="no former demo's"):
        clear(Path("var"))
    assert (tmp_path / "var" / "checkpoints").is_dir()


def test_a_home_on_which_a_job_runs_is_refused(tmp_path: Path) -> None:
    claim(tmp_path)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "score_events.port").write_text(f"{server.server_address[1]}\n")
    try:
        with pytest.raises(ConfigError, match=r"the job score-events still answers on port \d+"):
            clear(tmp_path)
        assert (tmp_path / "run").is_dir()
    finally:
        server.shutdown()
        server.server_close()
    clear(tmp_path)
    assert not (tmp_path / "run").exists()
