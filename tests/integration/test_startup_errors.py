"""What is set up wrongly is told in one line before the first event: the entry points themselves, which fail before Spark starts."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from events import good
from service import REPOSITORY, prepare, produce, reasons, scored

from streaming.config import load_settings
from streaming.local.processes import free_port
from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
Change = Callable[[str], str]


@pytest.fixture
def settings(settings_file: Path, registry_table: str) -> Settings:
    """Everything in place, and an event that waits to be scored."""
    settings = prepare(settings_file, registry_table)
    produce(settings, good(1))
    return settings


def run(job: str, config: Path) -> tuple[int, list[str]]:
    """Exit code and lines on standard error of a job's entry point."""
    command = [sys.executable, f"jobs/{job}.py", "--config", str(config)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def assert_told(job: str, settings_file: Path, change: Change, *said: str) -> str:
    """The changed configuration ends the job with one line that says all of `said`, and nothing was begun. Returns the line."""
    before = settings_file.read_text()
    wrong = settings_file.with_name("wrong.toml")
    wrong.write_text(change(before))
    assert wrong.read_text() != before
    code, lines = run(job, wrong)
    assert code in (1, 2)
    assert len(lines) == 1, "\n".join(lines)
    assert lines[0].startswith(f"{job}: ")
    assert [text for text in said if text not in lines[0]] == [], lines[0]
    assert not settings_file.with_name("checkpoints").exists()
    settings = load_settings(settings_file)
    assert (scored(settings), reasons(settings)) == ({}, {})
    return lines[0]


def replacing(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


def with_deployment(folder: Path, old: str, new: str) -> Change:
    """A deployment of its own, which differs in one line."""
    text = (REPOSITORY / "conf/deployments/churn_risk.toml").read_text()
    path = folder / "deployment.toml"
    path.write_text(text.replace(old, new))
    assert path.read_text() != text
    return replacing(f"{REPOSITORY}/conf/deployments/churn_risk.toml", str(path))


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that someone else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def no_broker(text: str) -> str:
    address = text[text.index('bootstrap_servers = "') :].split('"')[1]
    return text.replace(address, f"127.0.0.1:{free_port()}").replace("[topics]", "wait_s = 1\n[topics]")


@pytest.mark.parametrize("job", ["score_events", "detect_drift"])
def test_an_unreachable_broker(settings: Settings, settings_file: Path, job: str) -> None:
    assert_told(job, settings_file, no_broker, "no broker answered at 127.0.0.1:", "within 1 s", "kafka.bootstrap_servers")


@pytest.mark.parametrize("job", ["score_events", "detect_drift"])
def test_missing_topics(settings: Settings, settings_file: Path, job: str) -> None:
    change = replacing('event = "', 'event = "absent-')
    kinds = {"score_events": ("", ".rejected", ".replay", ".metrics"), "detect_drift": (".metrics", ".alerts")}[job]
    missing = [f"absent-{settings.topics.event}{kind}" for kind in kinds]
    assert_told(job, settings_file, change, *missing, "scoring topics create")


@pytest.mark.parametrize("job", ["score_events", "detect_drift"])
def test_a_port_that_is_taken(settings: Settings, settings_file: Path, job: str, taken_port: int) -> None:
    change = replacing("[http]", f"[http]\n{job}_port = {taken_port}")
    assert_told(job, settings_file, change, f"http.{job}_port", f"127.0.0.1:{taken_port}", "in use")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("window_s = 5", "window_sec = 5", ("drift.window_sec is not a setting", "did you mean window_s?")),
        ("trigger_s = 2", 'trigger_s = "often"', ("drift.trigger_s", "valid number", "'often'")),
        ("trigger_s = 2", "trigger_s =", ("not TOML",)),
    ],
    ids=["unknown key", "wrong type", "not TOML"],
)
def test_a_wrong_setting(settings: Settings, settings_file: Path, right: str, wrong: str, said: tuple[str, ...]) -> None:
    assert_told("detect_drift", settings_file, replacing(right, wrong), "wrong.toml", *said)


def test_missing_tables(settings: Settings, settings_file: Path, services: Any) -> None:
    settings_file.with_name("empty.dsn").write_text(services.create_database())
    change = replacing("file:postgres.dsn", "file:empty.dsn")
    assert_told("score_events", settings_file, change, "no table prediction, current_prediction", "scoring store migrate")


def test_an_unreachable_database_without_its_password(settings: Settings, settings_file: Path) -> None:
    nobody = f"postgresql://user:secret-word@127.0.0.1:{free_port()}/scoring"
    settings_file.with_name("nobody.dsn").write_text(nobody)
    change = replacing("file:postgres.dsn", "file:nobody.dsn")
    line = assert_told("score_events", settings_file, change, "PostgreSQL cannot be reached", "127.0.0.1")
    assert "secret-word" not in line


def test_a_schema_registry_whose_certificates_are_not_there(settings: Settings, settings_file: Path) -> None:
    change = replacing("[stream]", '[schema_registry]\nurl = "https://127.0.0.1:1"\nca_file = "absent.pem"\n[stream]')
    assert_told("score_events", settings_file, change, "schema_registry", "mend its settings")


def test_a_registry_where_nothing_was_registered(settings: Settings, settings_file: Path) -> None:
    change = replacing(settings.registry.tracking_uri, "sqlite:///nowhere.db")
    assert_told("score_events", settings_file, change, "nowhere.db", "scoring train")


@pytest.mark.parametrize(("old", "new"), [('model = "churn"', 'model = "absent"'), ('alias = "champion"', 'alias = "absent"')])
def test_a_missing_model_or_alias(settings: Settings, settings_file: Path, tmp_path: Path, old: str, new: str) -> None:
    assert_told("score_events", settings_file, with_deployment(tmp_path, old, new), "absent", "scoring train", "deployment")


def test_a_schema_version_that_is_not_there(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    change = with_deployment(tmp_path, "schema_version = 1", "schema_version = 7")
    assert_told("score_events", settings_file, change, "schema_version 7 of customer_activity", "which has 1")


def test_a_model_that_does_not_fit_the_schema(settings: Settings, settings_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    shutil.copytree(REPOSITORY / "schemas" / "customer_activity", folder / "customer_activity")
    path = folder / "customer_activity" / "v1.json"
    document = json.loads(path.read_text())
    document["properties"]["tenure"] = {"type": "string", "x-role": "feature"}
    del document["properties"]["contract"]
    document["required"].remove("contract")
    path.write_text(json.dumps(document))
    change = replacing(f"{REPOSITORY}/schemas", str(folder))
    said = ("model churn does not fit", "feature tenure is numeric and the field is string", "feature contract is not a field")
    assert_told("score_events", settings_file, change, *said)
