"""The SDK, the topic, the job and the store together: an agent's predictions meet the truth months later, whatever dies in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from service import Job, wait_until
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from streaming import metrics as sdk
from streaming.cli import app
from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.metrics.tracking import Subject, tracked_record
from streaming.sinks.migrate import migrate
from streaming.sinks.record_topic import RecordTopic

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def config(settings_file: Path) -> Iterator[Path]:
    """A configuration with topics and tables; the SDK tracks by it."""
    settings_file.write_text(settings_file.read_text() + '\n[tracking]\noutbox = "outbox"\n[metric_store]\nlinger_s = 0.2\n')
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    sdk.configure(settings_file)
    yield settings_file
    sdk.configure(None)


def stored(count: int) -> None:
    """Wait until the store has as many predictions with a truth."""

    def there() -> bool:
        return sum("truth" in one.metrics for one in sdk.read_metrics().predictions) == count

    wait_until(f"{count} predictions have their truth", there)


KILLED = """
import os, sys
from streaming import metrics
metrics.configure(sys.argv[1])
for line in sys.stdin:
    name, truth = line.split()
    metrics.track_delayed_metrics({"truth": int(truth)}, name, key="crm")
os.kill(os.getpid(), 9)
"""


def test_predictions_meet_their_truth_whatever_dies(config: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    scores, drawn = rng.uniform(size=120), rng.uniform(size=120)
    names = []
    for score in scores:
        with sdk.scoring_call(f"agent-{len(names)}", model="churn", version="1"):
            names.append(sdk.track_metrics({"score": float(score)}))
    truth = (drawn < scores).astype(int)
    job = Job("write_metrics", config, tmp_path).wait_ready()
    try:
        lines = "".join(f"{name} {label}\n" for name, label in zip(names, truth, strict=True))
        # A process that is killed as soon as it has said everything: its outbox is taken over by the next that tracks.
        done = subprocess.run([sys.executable, "-c", KILLED, str(config)], input=lines, text=True, check=False, env=dict(os.environ))
        assert done.returncode == -signal.SIGKILL
        sdk.flush()
        sdk.close()
        sdk.track_aggregate_metrics({"accuracy": 0.75}, datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC))
        sdk.flush()
        job.kill()
        # Said again, with the same keys: nothing changes.
        topic = load_settings(config)
        again = [tracked_record("delayed", {"truth": 9}, Subject("churn_risk", prediction_id=name), "crm", 0) for name in names]
        RecordTopic(topic.kafka.bootstrap_servers, client={}).publish(topic.topics.of("metrics"), [*again, *again])
        job = Job("write_metrics", config, tmp_path).wait_ready()
        stored(120)
        wait_until("all is read", lambda: known(job) >= 240)
        assert job.terminate() == 0
    finally:
        job.kill()
    read = sdk.read_metrics(model="churn", version="1")
    frame = read.to_pandas().predictions.set_index("prediction_id").loc[names]
    assert frame["metrics.truth"].tolist() == truth.tolist()
    assert roc_auc_score(frame["metrics.truth"], frame["metrics.score"]) == roc_auc_score(truth, scores)
    (said,) = sdk.read_metrics().aggregates
    assert said.metrics == {"accuracy": 0.75}
    assert len(sdk.read_metrics(limit=7).predictions) == 7
    assert sdk.read_metrics(limit=7).truncated
    one = sdk.read_metrics(prediction_ids=[names[5]], names=["truth"])
    assert [prediction.metrics for prediction in one.predictions] == [{"truth": int(truth[5])}]
    commands(config, tmp_path)


def known(job: Job) -> float:
    """Records that came again, by the job's own count; a process killed in the middle of sending may have sent some twice, too."""
    found = re.search(r"^scoring_metric_records_known_total (\S+)", job.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def commands(config: Path, folder: Path) -> None:
    """The aggregate by the command: as JSON, as a table, and in files of each format."""
    run = CliRunner()
    shown = run.invoke(app, ["metrics", "query", "tracked.accuracy", "--config", str(config), "--json"])
    assert [json.loads(line)["mean"] for line in shown.stdout.splitlines()] == [0.75], shown.output
    assert "0.75" in run.invoke(app, ["metrics", "query", "tracked.*", "--config", str(config), "--from", "52w"]).stdout
    for form, read in {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda path: pd.read_json(path, lines=True)}.items():
        out = folder / f"out.{form}"
        told = run.invoke(app, ["metrics", "export", str(out), "--format", form, "--config", str(config)])
        assert "1 points" in told.output, told.output
        assert read(out)["mean"].tolist() == [0.75]
