"""One run's world: topics, database, checkpoint and job of its own, on services that several runs share.

What a fault may use is here: where things are, the job's processes, moments, and the clock of recovery.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from faults.checkpoint_watch import CheckpointWatch, committed_offsets, longest_wait
from faults.evidence import ReadStore
from faults.home import REPOSITORY, Home
from faults.keeper import Keeper
from psycopg import sql

ENDS_MAX = 12
PATIENCE_S = 600.0  # an end to waiting, no claim: a machine may be busy with other things
INJECT = Path(__file__).parent / "inject"
SETTINGS: dict[str, dict[str, object]] = {
    "stream": {"max_offsets_per_trigger": 60, "arrow_batch_rows": 20, "restart_pause_s": 0.5, "restart_max_s": 3, "stop_wait_s": 10},
    "store": {"retry_max_s": 2, "statement_timeout_s": 20},
    "topics": {"partitions": 4},
    "sinks": {"topic": True},
    "http": {"port_file": "."},
    "log": {"format": "json"},
    "spark": {"master": "local[2,4]", "driver_memory": "1g"},
}


@dataclass
class World:
    """One run. What a fault's `prepare` changes here holds for the run: addresses, settings, environment.

    bootstrap, dsn: where the ledger's producer and the checker go; job_bootstrap, job_dsn: where the job goes, the same
    unless a proxy stands between. settings: tables of the job's configuration. environment: of the job's processes.
    source: folder of the build that runs (streaming/, jobs/). cleanup: closed after the run, in the reverse order.
    gaps: (partition, first, end) of offsets that the fault took from the topic before the job could read them: without an
    outcome they are not lost. parts: what a fault's `prepare` leaves for its `cause`, by name.
    read_store: how the judge reads the store where it is not the PostgreSQL at dsn.
    """

    home: Home
    folder: Path
    seed: int
    events: int = 4000
    rate: float = 160.0
    source: Path = REPOSITORY
    bootstrap: str = ""
    dsn: str = ""
    job_bootstrap: str = ""
    job_dsn: str = ""
    settings: dict[str, dict[str, object]] = field(default_factory=lambda: {name: dict(keys) for name, keys in SETTINGS.items()})
    environment: dict[str, str] = field(default_factory=dict)
    cleanup: ExitStack = field(default_factory=ExitStack)
    topic: str = field(default_factory=lambda: f"activity_{uuid.uuid4().hex[:12]}")
    ended_at: list[float] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    read_store: ReadStore | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.bootstrap = self.job_bootstrap = self.home.bootstrap
        self.config, self.ledger = self.folder / "run.toml", self.folder / "ledger.jsonl"
        self.checkpoint, self.files = self.folder / "checkpoint", self.folder / "files"
        self.environment |= {"PYTHONPATH": str(INJECT), "SCORING_FAULT_FOLDER": str(self.folder)}
        self._keep()  # nothing to keep yet; so that a run that does not come to be opened can be closed

    # ---- before the events

    def open(self) -> None:
        """Make database, topics and tables as an operator does, and start the job. Called after every `prepare`."""
        if not self.dsn:
            self.dsn = _database(self.home.dsn)
        self.job_dsn = self.job_dsn or self.dsn
        self.write_config()
        for command in (["topics", "create"], ["store", "migrate"]):
            self.scoring(*command)
        self.watch.close()
        self._keep()
        self.job.start()

    def _keep(self) -> None:
        """Watch and keeper of what stands here now."""
        self.watch = CheckpointWatch(self.checkpoint)
        self.job = Keeper(self.config, self.folder / "job.log", source=self.source, environment=self.environment)

    def write_config(self, path: Path | None = None, settings: Mapping[str, Mapping[str, object]] | None = None) -> Path:
        """Write the job's configuration from what stands here (again, after a change); returns its path."""
        tables: dict[str, dict[str, object]] = {name: dict(keys) for name, keys in (settings or self.settings).items()}
        tables.setdefault("kafka", {})["bootstrap_servers"] = self.job_bootstrap
        tables.setdefault("topics", {})["event"] = self.topic
        tables.setdefault("store", {})["dsn"] = self.job_dsn
        tables.setdefault("stream", {})["checkpoint"] = str(self.checkpoint)
        tables.setdefault("sinks", {})["files"] = str(self.files)
        tables.setdefault("drift", {})["checkpoint"] = str(self.folder / "drift")
        top = {"schemas": str(REPOSITORY / "schemas"), "deployment": str(REPOSITORY / "conf/deployments/churn_risk.toml")}
        lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
        for name, keys in tables.items():
            lines += [f"\n[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        path = path or self.config
        path.write_text("\n".join([*lines, "\n[registry]", self.home.registry_table]), encoding="utf-8")
        path.chmod(0o600)
        return path

    def scoring(self, *arguments: str) -> str:
        """Run a `scoring` command on this configuration; returns what it said. Raises RuntimeError if it fails."""
        command = [sys.executable, "-m", "streaming.cli", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, cwd=self.source, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"scoring {' '.join(arguments)}: {done.stderr[-1000:]}")
        return done.stdout

    # ---- while events flow

    def wait_until(self, what: str, condition: Callable[[], bool], *, at_most_s: float = PATIENCE_S) -> None:
        """Wait for a condition.

        Raises TimeoutError, with its name and the end of the job's log, if it does not come true, or the job only ends and ends.
        """
        end = time.monotonic() + at_most_s
        while not condition():
            if time.monotonic() > end or len(self.job.ends) > ENDS_MAX:
                raise TimeoutError(f"waited {at_most_s:.0f} s in vain until {what}; the job said: {self.log_text()[-3000:]}")
            time.sleep(0.1)

    def moment(self, rng: random.Random, *, after: float = 0.1, before: float = 0.7) -> None:
        """Wait for a random moment of the run: until a share of the events between `after` and `before` is acknowledged, and a bit."""
        share = rng.uniform(after, before)
        self.wait_until(f"{share:.0%} of the events are acknowledged", lambda: self.acknowledged() >= share * self.events)
        time.sleep(rng.uniform(0, 0.4))

    def over(self) -> None:
        """The harm has ended now: recovery is counted from here to the first batch committed after it."""
        self.ended_at.append(time.time())

    def acknowledged(self) -> int:
        """How many lines the ledger has."""
        return self.ledger.read_bytes().count(b"\n") if self.ledger.exists() else 0

    def batches(self) -> int:
        """How many batches are committed."""
        return len(self.watch.commits)

    def wait_for_batches(self, more: int, *, at_most_s: float = PATIENCE_S) -> None:
        """Wait until so many more batches are committed than now. Raises TimeoutError."""
        until = self.batches() + more
        self.wait_until(f"{more} more batches are committed", lambda: self.batches() >= until, at_most_s=at_most_s)

    def log_text(self) -> str:
        """What the job has said so far, over all its starts."""
        log = self.folder / "job.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def companion(self, kind: str) -> str:
        """Name of a companion topic: rejected, metrics, replay, alerts."""
        return f"{self.topic}.{kind}"

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query at the store, asked directly."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query.encode()).fetchall()

    def is_done(self) -> bool:
        """Whether every event on the topic is in a committed batch."""
        time.sleep(0.3)  # it is asked again and again
        committed = committed_offsets(self.checkpoint).get(self.topic, {})
        ends = ends_of(self.bootstrap, self.topic)
        return bool(ends) and all(committed.get(partition, 0) >= end for partition, end in ends.items())

    def recovery_s(self) -> float | None:
        """Longest time from the end of a harm, or of the job, to the first batch committed after it; None if none was."""
        return longest_wait([*self.ended_at, *(end.at for end in self.job.ends)], self.watch.commits.values())

    def close(self) -> None:
        """End the job. What `prepare` has opened goes with `cleanup`, later."""
        self.job.close()
        self.watch.close()


def ends_of(bootstrap: str, topic: str) -> dict[int, int]:
    """Partition → offset after its last message; nothing while the brokers are away."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "faults", "log_level": 0})
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        return {part: consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=20)[1] for part in partitions}
    except KafkaException:
        return {}
    finally:
        consumer.close()


def _database(dsn: str) -> str:
    name = f"run_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()
