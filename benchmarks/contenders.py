"""What is measured: the service's scoring job, and the bare loop. Each is started, asked for its batches, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from batches import Batch
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from stand import Place

from streaming.errors import ServiceError
from streaming.local import jobs
from streaming.metrics.records import Metrics, decode
from streaming.settings import Settings

STALL_S = 180.0  # longest without a new batch before the run is given up


class Contender(Protocol):
    """A running program that scores the place's event topic. `full`: events of a batch that a backlog fills."""

    full: int
    batches: list[Batch]

    def pids(self) -> dict[str, int]:
        """Root process ids by role."""

    def await_ready(self) -> None:
        """Wait until it takes events."""

    def check(self) -> None:
        """Raise ServiceError if it has ended; read what it told since."""


class Stream:
    """`scoring run score-events`; its batches come from the metrics topic."""

    def __init__(self, place: Place) -> None:
        self.full, self.batches = place.settings.stream.max_offsets_per_trigger, list[Batch]()
        self._tail = _metrics_tail(place.settings)
        self._job = jobs.start_job("score-events", place.config, place.folder)

    def pids(self) -> dict[str, int]:
        """See Contender."""
        return {"job": self._job.process.pid}

    def await_ready(self) -> None:
        """See Contender."""
        jobs.wait_until_ready(self._job)

    def check(self) -> None:
        """See Contender."""
        jobs.check_running([self._job])
        for message in self._tail.consume(1000, 0.05):
            record = None if message.error() else decode(message.value() or b"")
            if isinstance(record, Metrics):
                self.batches.append(Batch(record.events, datetime.fromisoformat(record.at), record.duration_ms, record.parts_ms))

    def stop(self) -> None:
        """End the job and all it started."""
        jobs.stop_jobs([self._job])
        self._tail.close()


class Bare:
    """The bare loop in a process of its own; its batches come from its output."""

    def __init__(self, place: Place, wait_s: float) -> None:
        self.full, self.batches = place.settings.stream.arrow_batch_rows, list[Batch]()
        self._told, self._log = place.folder / "bare.jsonl", place.folder / "bare.log"
        self._read = 0
        command = [sys.executable, str(Path(__file__).with_name("bare.py")), "--config", str(place.config), "--wait", str(wait_s)]
        # One thread for numerics, as Spark's workers have.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with self._told.open("wb") as told, self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=told, stderr=log, env=environment, start_new_session=True)

    def pids(self) -> dict[str, int]:
        """See Contender."""
        return {"bare_loop": self._process.pid}

    def await_ready(self) -> None:
        """See Contender."""
        wait_until(self, lambda: self._told.stat().st_size > 0)

    def check(self) -> None:
        """See Contender."""
        if self._process.poll() is not None:
            last = (self._log.read_text(encoding="utf-8").strip().splitlines() or ["it said nothing"])[-1]
            raise ServiceError(f"the bare loop ended with exit code {self._process.returncode}: {last}; see {self._log}")
        with self._told.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        told = [msgspec.json.decode(line, type=Batch) for line in whole.splitlines()]
        self.batches += [batch for batch in told if batch.events]

    def stop(self) -> None:
        """End the process, after its batch."""
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def running(start: Callable[[], Stream | Bare]) -> Iterator[Contender]:
    """A started contender, ended with the block; a second Ctrl-C does not leave half of it running."""
    contender = start()
    try:
        yield contender
    finally:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        contender.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_until(contender: Contender, condition: Callable[[], bool]) -> None:
    """Read batches until the condition holds. Raises ServiceError if the contender ends or stalls."""
    known, since = -1, time.monotonic()
    while not condition():
        contender.check()
        if len(contender.batches) != known:
            known, since = len(contender.batches), time.monotonic()
        if time.monotonic() - since > STALL_S:
            raise ServiceError(f"no new batch for {STALL_S:g} s; see the logs in the folder of the measure (--keep leaves it)")
        time.sleep(0.2)


def _metrics_tail(settings: Settings) -> Consumer:
    client = {"bootstrap.servers": settings.kafka.bootstrap_servers, **settings.kafka.client}
    consumer = Consumer({**client, "group.id": "scoring.bench", "enable.auto.commit": False})
    consumer.assign([TopicPartition(settings.topics.of("metrics"), 0, OFFSET_BEGINNING)])
    return consumer
