"""The blocks of docs/sinks.md work: its sink keeps what it says, its configuration is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from prediction_rows import row, rows

from streaming.config import load_settings

PAGE = Path("docs/sinks.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_the_sink_of_its_own_takes_rows() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "docs/sinks.md", "exec"), names)
    sampled = names["Sampled"]()
    batch = rows(*(row(f"e{n}", offset=n) for n in range(200)))
    assert sampled.write(batch).tolist() == [0] * 200
    assert 5 <= len(sampled.kept.history) <= 40
    sampled.close()


def test_its_configuration_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_POSTGRES_DSN", "postgresql://localhost/x")
    tables = 'schemas = "s"\ndeployment = "d"\n[kafka]\nbootstrap_servers = "b:1"\n[registry]\ntracking_uri = "sqlite:///r"\n'
    jobs = '[stream]\ncheckpoint = "c"\n[drift]\ncheckpoint = "c"\n'
    path = tmp_path / "conf.toml"
    path.write_text(tables + jobs + block("toml"), encoding="utf-8")
    settings = load_settings(path)
    assert settings.store.kinds == ("postgres", "hbase")
    assert settings.sinks.topic
    assert settings.sinks.files.startswith("s3://")
