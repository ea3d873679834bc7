"""The SDK without brokers: nothing is lost, nothing waits without bound, and whoever sets it up wrongly is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from streaming import metrics as sdk
from streaming.errors import ConfigError, DeliveryError, InvalidEvent, OutboxFull
from streaming.metrics.records import Tracked
from streaming.metrics.segment import read_segment

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A configuration whose brokers are away."""
    path = tmp_path / "test.toml"
    path.write_text(f"""
schemas = "{REPOSITORY}/schemas"
deployment = "{REPOSITORY}/conf/deployments/churn_risk.toml"
kafka = {{ bootstrap_servers = "127.0.0.1:1", client = {{ "log_level" = "0" }} }}
store = {{ dsn = "env:NOT_THERE" }}
registry = {{ tracking_uri = "env:NOT_THERE" }}
stream = {{ checkpoint = "c" }}
drift = {{ checkpoint = "d" }}
tracking = {{ outbox = "outbox", outbox_bytes = 70000, on_full = "raise", exit_wait_s = 0 }}
""")
    yield path
    sdk.configure(None)


@pytest.fixture
def outbox(file: Path, tmp_path: Path) -> Path:
    sdk.configure(file)
    return tmp_path / "outbox"


def waiting(outbox: Path) -> list[Tracked]:
    """What is on disk, in order."""
    frames = [frame for path in sorted(outbox.glob("*/*.seg")) for frame in read_segment(path).frames]
    assert {frame.key for frame in frames} <= {b"churn_risk"}
    return [msgspec.json.decode(frame.value, type=Tracked) for frame in frames]


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'confluent_kafka', 'psycopg', 'pyarrow', 'pandas', 'pydantic', 'datasketches', 'pyspark', 'sklearn'}"
    code = f"import sys\nimport streaming.metrics\nfound = {heavy} & set(sys.modules)\nassert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_each_call_is_a_record(outbox: Path) -> None:
    name = sdk.track_metrics({"score": 0.7})
    sdk.track_delayed_metrics({"truth": True}, name, key="k")
    sdk.track_aggregate_metrics({"accuracy": 0.9}, 1767225600000, "2026-02-01T00:00:00Z")
    made, delayed, aggregate = waiting(outbox)
    assert made.prediction_id == delayed.prediction_id == name
    assert [record.call for record in (made, delayed, aggregate)] == ["prediction", "delayed", "aggregate"]
    assert (aggregate.start, aggregate.end, aggregate.prediction_id) == ("2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z", "")


def test_inside_a_call_the_prediction_is_known(outbox: Path) -> None:
    with sdk.scoring_call("p-1", model="churn", version="3"):
        assert sdk.track_metrics({"a": 1}) == "p-1"
        sdk.track_metrics({"b": 2}, "p-2")
        other = threading.Thread(target=sdk.track_metrics, args=({"c": 3},))
        other.start()
        other.join()
    inside, named, elsewhere = waiting(outbox)
    assert (inside.prediction_id, inside.model, inside.model_version, inside.deployment) == ("p-1", "churn", "3", "churn_risk")
    assert (named.prediction_id, named.model) == ("p-2", "")
    assert elsewhere.prediction_id not in ("p-1", "p-2")


def test_many_rows_at_once(outbox: Path) -> None:
    frame = pd.DataFrame({"prediction_id": ["a", "b"], "truth": [1, 0]})
    assert sdk.track_metrics_bulk(frame, delayed=True, key="january") == 2
    assert sdk.track_metrics_bulk(frame, delayed=True, key="january") == 2
    records = waiting(outbox)
    assert [(record.prediction_id, record.metrics) for record in records[:2]] == [("a", {"truth": 1}), ("b", {"truth": 0})]
    assert [record.id for record in records[:2]] == [record.id for record in records[2:]]


def test_what_cannot_be_sent_is_told_and_stays(outbox: Path) -> None:
    sdk.track_delayed_metrics({"truth": 1}, "p")
    with pytest.raises(DeliveryError, match=r"bytes of metrics wait in .*outbox.*; see the brokers"):
        sdk.flush(0.2)
    sdk.close()
    assert [record.prediction_id for record in waiting(outbox)] == ["p"]


def test_a_bound_is_kept(outbox: Path) -> None:
    for number in range(3):
        sdk.track_metrics({"text": "x" * 20_000}, str(number))
    with pytest.raises(OutboxFull):
        sdk.track_metrics({"text": "x" * 20_000}, "3")
    assert [record.prediction_id for record in waiting(outbox)] == ["0", "1", "2"]


def test_what_is_no_metric_is_told(outbox: Path) -> None:
    with pytest.raises(InvalidEvent, match="cannot be written as JSON"):
        sdk.track_metrics({"a": object()})
    with pytest.raises(InvalidEvent, match="at most 900,000 go on the topic"):
        sdk.track_metrics({"a": "x" * 1_000_000})
    with pytest.raises(ConfigError, match="is not before end"):
        sdk.track_aggregate_metrics({"a": 1}, 5, 5)
    assert waiting(outbox) == []


def test_without_a_configuration_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.delenv("SCORING_CONFIG", raising=False)
    with pytest.raises(ConfigError, match=r"call streaming.metrics.configure\(path\) or set SCORING_CONFIG"):
        sdk.track_metrics({})
    monkeypatch.setenv("SCORING_CONFIG", str(file))
    sdk.track_metrics({"a": 1})
    with pytest.raises(ConfigError, match="NOT_THERE is not set"):
        sdk.read_metrics()


FORKS = """
import os, sys
from streaming import metrics
metrics.configure(sys.argv[1])
metrics.track_metrics({"who": "parent"}, "p")
if (child := os.fork()) == 0:
    metrics.track_metrics({"who": "child"}, "c")
    os.kill(os.getpid(), 9)
assert os.WTERMSIG(os.waitpid(child, 0)[1]) == 9
metrics.track_metrics({"who": "parent"}, "q")
os.kill(os.getpid(), 9)
"""


def test_a_fork_and_its_parent_have_an_outbox_each(file: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FORKS, str(file)], check=False, env=dict(os.environ), capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    records = waiting(tmp_path / "outbox")
    assert sorted((record.prediction_id, record.metrics["who"]) for record in records) == [("c", "child"), ("p", "parent"), ("q", "parent")]
    assert len(list((tmp_path / "outbox").iterdir())) == 2
