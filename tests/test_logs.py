"""Logs of the jobs: JSON lines for log stores, text for a person."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from confluent_kafka import Producer

from streaming.local.processes import free_port
from streaming.logs import KafkaClientLog, set_up_logs
from streaming.settings import Log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def told(log: Log, capsys: pytest.CaptureFixture[str]) -> str:
    """Standard error after a few events; standard output stays empty."""
    set_up_logs(log)
    logger = structlog.get_logger("test")
    logger.debug("small")
    logger.info("batch", events=3, reason='two\n"lines"')
    try:
        int("wrong")
    except ValueError:
        logger.exception("failed")
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_json_is_one_line_for_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    batch, failed = (json.loads(line) for line in told(Log(format="json"), capsys).splitlines())
    assert {k: v for k, v in batch.items() if k != "timestamp"} == {
        "event": "batch",
        "level": "info",
        "events": 3,
        "reason": 'two\n"lines"',
    }
    assert datetime.fromisoformat(batch["timestamp"]).utcoffset() == timedelta(0)
    assert "ValueError: invalid literal" in failed["exception"]


def test_text_is_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(Log(format="text"), capsys)
    assert "batch" in said and "events" in said
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.splitlines()[0])


@pytest.mark.parametrize(("level", "events"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)])
def test_the_level_is_the_least_that_is_told(level: str, events: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(Log.model_validate({"format": "json", "level": level}), capsys).splitlines()) == events


def test_auto_is_json_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(json.loads(line)["level"] in {"info", "error"} for line in told(Log(format="auto"), capsys).splitlines())


def test_auto_is_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with io.TextIOWrapper(io.FileIO(theirs, "w"), write_through=True) as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        set_up_logs(Log(format="auto"))
        structlog.get_logger("test").info("batch", events=3)
        said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "batch" in said and not said.lstrip().startswith("{")


def test_what_a_kafka_client_says_is_an_event_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Log(format="json"))
    nobody = f"127.0.0.1:{free_port()}"
    producer = Producer({"bootstrap.servers": nobody}, logger=KafkaClientLog())
    lines: list[dict[str, str]] = []
    until = time.monotonic() + 60
    while not lines and time.monotonic() < until:
        producer.poll(0.1)
        lines += [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["event"] == "kafka_client"
    assert nobody in lines[0]["said"]
    assert lines[0]["level"] == "error"


WRITER = """
import structlog
from streaming.logs import set_up_logs
from streaming.settings import Log
set_up_logs(Log(format="json"))
for number in range(3000):
    structlog.get_logger("x").info("line", number=number)
"""


def test_processes_that_share_standard_error_do_not_write_into_each_others_lines(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as log:
        writers = [subprocess.Popen([sys.executable, "-u", "-c", WRITER], stderr=log) for _ in range(3)]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
    numbers = [json.loads(line)["number"] for line in (tmp_path / "log").read_text().splitlines()]
    assert sorted(numbers) == sorted([*range(3000)] * 3)
