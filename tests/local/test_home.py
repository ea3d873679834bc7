from __future__ import annotations

from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.errors import ConfigError
from streaming.local.home import clear, configuration

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
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "report.html").write_text("x")
    (tmp_path / "mine.txt").write_text("x")
    clear(tmp_path)
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
