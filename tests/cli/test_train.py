"""`scoring train` and jobs/train.py on the real table and a real registry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from streaming.config import load_settings
from streaming.models.formats.skops import load
from streaming.models.registry import Registry

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from streaming.cli import main; main()", "train"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The local configuration, with a registry of its own and no services."""
    text = (ROOT / "conf" / "local.toml").read_text(encoding="utf-8")
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "local.toml"
    text = text.replace('"file:../var/run/kafka.bootstrap"', '"127.0.0.1:1"').replace('"file:../var/run/postgres.dsn"', '"host=127.0.0.1"')
    text = text.replace('"../schemas"', f'"{ROOT}/schemas"')
    path.write_text(text.replace('"deployments/', f'"{ROOT}/conf/deployments/'), encoding="utf-8")
    return path


def call(command: list[str], config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, "--config", str(config), *more], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_registers_a_model_that_serves(config: Path) -> None:
    done = call(COMMAND, config, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    registry = Registry(load_settings(config).registry)
    version = registry.resolve("churn", "champion")
    assert (told["model"], told["version"], told["sha256"]) == (version.name, version.version, version.sha256)
    assert told["metrics"] == load(registry.fetch(version), version.sha256).manifest.metrics


def test_the_job_does_the_same(config: Path) -> None:
    done = call([sys.executable, "jobs/train.py"], config)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("churn version 1: ")


def test_a_missing_table_is_one_line_and_an_exit_code(config: Path) -> None:
    done = call(COMMAND, config, "--data", "nowhere.csv")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "scoring: nowhere.csv: cannot be read (No such file or directory); name a table with --data\n"


def test_a_table_that_breaks_the_schema_is_refused_unless_asked_for(config: Path, tmp_path: Path) -> None:
    lines = (ROOT / "examples" / "churn" / "telco_churn.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].replace('"', "").split(",").index("tenure")
    cells = lines[5].split(",")
    lines[5] = ",".join([*cells[:place], "999", *cells[place + 1 :]])
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")

    done = call(COMMAND, config, "--data", str(table))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"scoring: {table}: breaks customer_activity v1: /tenure maximum (1 rows, the first is 5)")
    assert done.stderr.count("\n") == 1
    assert call(COMMAND, config, "--data", str(table), "--no-check").returncode == 0
