"""What keeps a query running and what ends it, on real queries that fail because their batches do."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from structlog.testing import capture_logs

from streaming.errors import DataGap, Unavailable
from streaming.local.java import java_home
from streaming.service.health import Health
from streaming.service.supervise import QueryFailed, StopGate, Stopped, is_away, supervise

PAUSE_S, PAUSE_MAX_S = 0.01, 0.05
needs_spark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A small session; none of the connector's jars."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_HOME", str(java_home()))
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
        session = builder.config("spark.sql.streaming.stopTimeout", "20s").getOrCreate()
        yield session
        session.stop()


class Supervised:
    """A job around a query whose batches do what a test says; each start of the query goes on from one checkpoint."""

    def __init__(self, spark: SparkSession, checkpoint: Path, *, wait_s: float = 20) -> None:
        self._spark, self._checkpoint = spark, checkpoint
        self.gate, self.health = StopGate(wait_s), Health("test")
        self.starts, self.batch = 0, 0
        self.pauses: list[float] = []

    def run(self, on_batch: Callable[[], None], *, pause_s: float = PAUSE_S, pause_max_s: float = PAUSE_MAX_S) -> None:
        """Supervise until it ends; `on_batch` is called for each batch, with self.batch counting them all."""
        with capture_logs() as told:
            try:
                supervise(lambda: self._start(on_batch), self.gate, self.health, pause_s=pause_s, pause_max_s=pause_max_s)
            finally:
                self.pauses = [line["again_in_s"] for line in told if line["event"] == "query_restart"]

    def _start(self, on_batch: Callable[[], None]) -> StreamingQuery:
        self.starts += 1

        def carry_out(_: DataFrame, __: int) -> None:
            self.gate.check()
            self.batch += 1
            on_batch()

        events = self._spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
        return events.writeStream.foreachBatch(carry_out).option("checkpointLocation", str(self._checkpoint)).start()

    def commits(self) -> int:
        """How many batches Spark has committed."""
        return len(list((self._checkpoint / "commits").glob("[0-9]*")))

    def restarts(self) -> float:
        """What Prometheus is told."""
        lines = generate_latest(self.health.registry).decode().splitlines()
        return float(next(line for line in lines if line.startswith("scoring_query_restarts_total")).split()[1])


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path) -> Supervised:
    return Supervised(spark, tmp_path / "checkpoint")


def test_the_gate_lets_batches_through_until_the_job_is_to_end() -> None:
    gate = StopGate(1)
    gate.check()
    gate.stopping.set()
    with pytest.raises(Stopped):
        gate.check()


def test_nothing_is_started_when_the_job_is_to_end_already() -> None:
    gate = StopGate(1)
    gate.stopping.set()

    def start() -> StreamingQuery:
        raise AssertionError("started")

    supervise(start, gate, Health("test"), pause_s=1, pause_max_s=1)


class TestOnSpark:
    """With real queries."""

    pytestmark = needs_spark

    def test_a_failure_that_waiting_does_not_mend_is_given_up_after_the_third_time(self, job: Supervised) -> None:
        def fail() -> None:
            raise ValueError("poison")

        with pytest.raises(QueryFailed, match="failed 3 times in a row: .*ValueError: poison") as caught:
            job.run(fail)
        assert "\n" not in str(caught.value)
        assert (job.starts, job.commits()) == (3, 0)
        assert job.pauses == [2 * PAUSE_S, 4 * PAUSE_S]
        assert job.restarts() == 2
        assert "poison" in job.health.not_ready()

    def test_an_outage_is_waited_for_however_long_with_pauses_that_grow_up_to_a_limit(self, job: Supervised) -> None:
        def away_six_times() -> None:
            if job.batch <= 6:
                raise Unavailable("PostgreSQL cannot be reached")
            job.gate.stopping.set()

        job.run(away_six_times)
        assert job.starts == 7
        assert job.pauses == [2 * PAUSE_S, 4 * PAUSE_S, *[PAUSE_MAX_S] * 4]
        assert job.commits() == 1

    def test_failures_with_batches_done_in_between_are_not_in_a_row_and_the_pause_starts_again(self, job: Supervised) -> None:
        def every_second_fails() -> None:
            if job.batch >= 10:
                job.gate.stopping.set()
            elif job.batch % 2 == 0:
                raise ValueError("a bad moment")

        job.run(every_second_fails)
        assert job.starts == 5
        assert job.pauses == [PAUSE_S] * 4

    def test_it_is_ready_again_when_the_query_reads_again(self, job: Supervised) -> None:
        seen: list[str] = []

        def away_once() -> None:
            if job.batch == 1:
                raise Unavailable("the store is away")
            seen.append(job.health.not_ready())
            if seen[-1] == "":
                job.gate.stopping.set()

        assert job.health.not_ready() == "starting"
        job.run(away_once)
        assert "the store is away" in seen[0]
        assert seen[-1] == ""

    def test_a_batch_that_runs_when_the_job_is_to_end_is_ended_and_committed(self, job: Supervised) -> None:
        def slow() -> None:
            job.gate.stopping.set()
            time.sleep(3)

        job.run(slow)
        assert (job.batch, job.commits()) == (1, 1)

    def test_a_batch_that_takes_too_long_to_end_is_interrupted_and_not_committed(self, spark: SparkSession, tmp_path: Path) -> None:
        job = Supervised(spark, tmp_path / "checkpoint", wait_s=1)
        ended: list[bool] = []
        started = tmp_path / "started"

        def hang(_: int) -> None:
            started.touch()
            time.sleep(600)

        def stop_when_started() -> None:
            while not started.exists():
                time.sleep(0.1)
            job.gate.stopping.set()

        def hangs() -> None:
            threading.Thread(target=stop_when_started).start()
            spark.sparkContext.range(1).map(hang).collect()
            ended.append(True)

        job.run(hangs)
        assert (ended, job.commits(), started.exists()) == ([], 0, True)

    def test_a_pause_ends_when_the_job_is_to_end(self, job: Supervised) -> None:
        def away() -> None:
            threading.Timer(3, job.gate.stopping.set).start()
            raise Unavailable("the store is away")

        job.run(away, pause_s=3600, pause_max_s=3600)
        assert (job.starts, job.pauses) == (1, [3600])


@pytest.mark.parametrize(
    "failure",
    [
        "org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment",
        "Caused by: java.net.ConnectException: Connection refused",
        "pyspark… streaming.errors.Unavailable: PostgreSQL cannot be reached",
        "org.apache.kafka.common.errors.NotLeaderOrFollowerException: moved",
    ],
)
def test_what_may_come_back_is_waited_for(failure: str) -> None:
    assert is_away(failure)


@pytest.mark.parametrize(
    "failure",
    [
        "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)\nCaused by: java.net.SocketException: Broken pipe",
        "java.lang.OutOfMemoryError: Java heap space\nCaused by: java.util.concurrent.TimeoutException",
        "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics",
        "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed",
        "java.lang.IllegalStateException: Cannot fetch offset 7",
    ],
)
def test_what_waiting_does_not_mend_is_not_waited_for_for_ever(failure: str) -> None:
    assert not is_away(failure)


def test_an_outage_before_the_query_starts_is_waited_for() -> None:
    gate, health = StopGate(1), Health("test")
    starts: list[int] = []

    def start() -> StreamingQuery:
        starts.append(1)
        if len(starts) == 5:
            gate.stopping.set()
        raise Unavailable("no broker answers")

    supervise(start, gate, health, pause_s=PAUSE_S, pause_max_s=PAUSE_MAX_S)
    assert len(starts) == 5
    assert health.not_ready() == "no broker answers"


def test_what_waiting_does_not_mend_ends_the_job_before_the_query_starts() -> None:
    def start() -> StreamingQuery:
        raise DataGap("events are gone")

    with pytest.raises(DataGap, match="events are gone"):
        supervise(start, StopGate(1), Health("test"), pause_s=PAUSE_S, pause_max_s=PAUSE_MAX_S)
