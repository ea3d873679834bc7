from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from tests_support import as_from_a_terminal
from typer.testing import CliRunner

from streaming.cli import app


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command on a free port, with a topic of another name."""
    command = [
        sys.executable,
        "-m",
        "streaming.cli",
        "schema",
        "serve",
        "--port",
        "0",
        "--topic",
        "activity=customer_activity",
        "--kind",
        "avro",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=(tmp_path / "log").open("w"), text=True, preexec_fn=as_from_a_terminal
    )
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_it_serves_until_a_signal_and_leaves_with_0(served: subprocess.Popen[str], number: signal.Signals) -> None:
    assert served.stdout is not None
    line = served.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert url is not None, line
    client = SchemaRegistryClient({"url": url[0], "max.retries": 0})
    assert client.get_latest_version("activity-value").schema.schema_type == "AVRO"
    served.send_signal(number)
    assert served.wait(30) == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--topic", "activity"], "is not TOPIC=EVENT"),
        (["--topic", "activity=nobody"], "no published schema of nobody"),
        (["nowhere"], "no schema"),
    ],
    ids=["no pair", "no such event", "no folder"],
)
def test_what_cannot_be_served_is_told(args: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["schema", "serve", *args])
    assert result.exit_code != 0
    assert told in " ".join(f"{result.output} {result.exception}".split())
