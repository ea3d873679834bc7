"""Configuration: whole, checked, and told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.errors import ConfigError
from streaming.settings import DRIFT_WITHOUT

GOOD = """
schemas = "../schemas"
deployment = "d.toml"
[kafka]
bootstrap_servers = "127.0.0.1:9092"
[store]
dsn = "postgresql://me:geheim@127.0.0.1/x"
[registry]
tracking_uri = "sqlite:///registry/mlflow.db"
[stream]
checkpoint = "checkpoints/score"
[drift]
checkpoint = "hdfs://nn/checkpoints/drift"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "conf.toml"
    path.write_text(text)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.schemas == tmp_path.parent / "schemas"
    assert settings.stream.checkpoint == str(tmp_path / "checkpoints/score")
    assert settings.drift.checkpoint == "hdfs://nn/checkpoints/drift"
    assert settings.registry.tracking_uri == f"sqlite:///{tmp_path}/registry/mlflow.db"


@pytest.mark.parametrize("place", ["file:/tmp/x", "file:///tmp/x", "hdfs:/x", "s3a://bucket/x", "/tmp/x"])
def test_a_path_with_a_scheme_stays(tmp_path: Path, place: str) -> None:
    settings = load_settings(write(tmp_path, GOOD.replace("checkpoints/score", place)))
    assert settings.stream.checkpoint == place


def test_companion_topics_follow_the_event(tmp_path: Path) -> None:
    topics = load_settings(write(tmp_path, GOOD + '[topics]\nevent = "calls"\nalerts = "alarm"\n')).topics
    assert (topics.of("rejected"), topics.of("metrics"), topics.of("alerts")) == ("calls.rejected", "calls.metrics", "alarm")


def test_a_secret_does_not_show(tmp_path: Path) -> None:
    assert "geheim" not in repr(load_settings(write(tmp_path, GOOD)))


def test_an_unknown_key_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    said = complaint(write(tmp_path, GOOD.replace("dsn =", "retry_max_ss = 3\ndsn =")))
    assert said.endswith("conf.toml: store.retry_max_ss is not a setting; did you mean retry_max_s?")


def test_every_complaint_is_told_at_once(tmp_path: Path) -> None:
    said = complaint(
        write(
            tmp_path,
            GOOD.replace("[drift]", "arrow_batch_rows = 'many'\n[drift]").replace('dsn = "postgresql://me:geheim@127.0.0.1/x"', ""),
        )
    )
    assert "store.dsn is required and missing" in said
    assert "stream.arrow_batch_rows" in said


def test_values_come_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsn").write_text("postgresql://from-file\n")
    monkeypatch.setenv("BROKERS", "a:1,b:2")
    text = GOOD.replace("127.0.0.1:9092", "env:BROKERS").replace("postgresql://me:geheim@127.0.0.1/x", "file:dsn")
    settings = load_settings(write(tmp_path, text))
    assert settings.kafka.bootstrap_servers == "a:1,b:2"
    assert settings.store.dsn.get_secret_value() == "postgresql://from-file"


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKERS", raising=False)
    assert "BROKERS is not set" in complaint(write(tmp_path, GOOD.replace("127.0.0.1:9092", "env:BROKERS")))
    assert "No such file" in complaint(write(tmp_path, GOOD.replace("127.0.0.1:9092", "file:nowhere")))
    assert "not TOML" in complaint(write(tmp_path, "= ="))
    assert "cannot be read" in complaint(tmp_path / "absent.toml")


def test_the_shipped_files_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped = (
        Path("conf/local.toml")
        .read_text()
        .replace('"file:../var/run/kafka.bootstrap"', '"x:1"')
        .replace('"file:../var/run/postgres.dsn"', '"y"')
    )
    assert load_settings(write(tmp_path, shipped)).drift.window_events > 0


def test_a_schema_registry_is_none_by_default_and_keeps_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(write(tmp_path, GOOD)).schema_registry.url == ""
    monkeypatch.setenv("REGISTRY_PASSWORD", "geheim")
    registry = 'url = "https://r:8081"\nuser = "me"\npassword = "env:REGISTRY_PASSWORD"\nca_file = "ca.pem"\n'
    found = load_settings(write(tmp_path, f"{GOOD}[schema_registry]\n{registry}")).schema_registry
    assert (found.password.get_secret_value(), found.ca_file) == ("geheim", tmp_path / "ca.pem")
    assert "geheim" not in repr(found)
    assert "schema_registry.url" in complaint(write(tmp_path, f'{GOOD}[schema_registry]\nurl = "r:8081"\n'))
    assert "schema_registry.subject" in complaint(write(tmp_path, f'{GOOD}[schema_registry]\nsubject = "name"\n'))


def test_a_secret_that_a_job_has_no_use_for_is_not_looked_up_and_its_table_is_still_checked(tmp_path: Path) -> None:
    away = GOOD.replace("postgresql://me:geheim@127.0.0.1/x", "env:NOT_SET_ANYWHERE")
    assert "NOT_SET_ANYWHERE is not set" in complaint(write(tmp_path, away))
    assert load_settings(write(tmp_path, away), without=DRIFT_WITHOUT).kafka.bootstrap_servers == "127.0.0.1:9092"
    with pytest.raises(ConfigError, match="store.pool is not a setting"):
        load_settings(write(tmp_path, away.replace("[store]", "[store]\npool = 3")), without=DRIFT_WITHOUT)
