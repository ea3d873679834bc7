"""The list of rights: what it holds, and how it is printed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streaming.cli import app
from streaming.config import load_settings
from streaming.errors import ConfigError
from streaming.kafka.acls import ROLES, Grant, command, grants, role_of
from streaming.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration whose secrets are not to be had."""
    path = tmp_path / "test.toml"
    path.write_text(f"""
schemas = "{REPOSITORY}/schemas"
deployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"
kafka = {{ bootstrap_servers = "b:1", client = {{ "sasl.password" = "env:NOT_THERE" }} }}
topics = {{ event = "calls" }}
store = {{ dsn = "env:NOT_THERE" }}
registry = {{ tracking_uri = "env:NOT_THERE" }}
stream = {{ checkpoint = "env:NOT_THERE" }}
drift = {{ checkpoint = "env:NOT_THERE" }}
""")
    return path


@pytest.fixture
def settings(file: Path) -> Settings:
    return load_settings(file, without=("kafka", "store", "registry", "stream", "drift"))


def test_nobody_needs_a_cluster_or_writes_what_he_only_reads(settings: Settings) -> None:
    found = [grant for role in ROLES for grant in grants(settings, "churn", role)]
    assert {grant.resource for grant in found} == {"topic", "group"}
    writers = {grant.name: set[str]() for grant in found if grant.resource == "topic"}
    for grant in found:
        if "Write" in grant.operations:
            writers[grant.name].add(grant.role)
    assert writers["calls"] == {"producer"}
    assert writers["calls.replay"] == {"replay"}
    assert writers["calls.rejected"] == {"score-events"}
    assert writers["calls.alerts"] == {"detect-drift", "alerts", "join-labels"}
    assert writers["calls.labels"] == {"labels"}


def test_the_topic_of_predictions_is_there_where_it_is_asked_for(settings: Settings) -> None:
    assert "calls.predictions" not in [grant.name for grant in grants(settings, "churn", "score-events")]
    with_topic = settings.model_copy(update={"sinks": settings.sinks.model_copy(update={"topic": True})})
    assert "calls.predictions" in [grant.name for grant in grants(with_topic, "churn", "score-events")]


def test_the_group_is_the_deployments_or_the_configured_one(settings: Settings) -> None:
    assert grants(settings, "churn", "score-events")[-1] == Grant("score-events", "group", "scoring.churn", ("Read",))
    own = settings.model_copy(update={"stream": settings.stream.model_copy(update={"consumer_group": "mine"})})
    assert grants(own, "churn", "score-events")[-1].name == "mine"


def test_a_role_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="produce is not a role; the roles are operator, .*producer"):
        role_of("produce")


def test_a_name_with_quotes_stays_one_word() -> None:
    line = command(Grant("producer", "topic", "it's; rm", ("Write",)), "User:o'neil $x", "b:1")
    assert shlex.split(line)[-6:] == ["--allow-principal", "User:o'neil $x", "--operation", "Write", "--topic", "it's; rm"]


def test_the_command_prints_calls_without_any_secret(file: Path) -> None:
    done = CliRunner().invoke(app, ["topics", "acls", "--config", str(file), "--principal", "producer=User:crm", "--principal", "report"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].endswith("--allow-principal 'User:crm' --operation Write --topic 'calls'")
    assert [line for line in lines if "'User:crm'" not in line and "'User:report'" not in line] == []


def test_the_command_prints_json_of_every_role(file: Path) -> None:
    done = CliRunner().invoke(app, ["topics", "acls", "--config", str(file), "--json"])
    assert {one["role"] for one in json.loads(done.output)} == set(ROLES)
