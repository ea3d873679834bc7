"""A long-running query: ended gently by a signal, started again after an outage."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from py4j.protocol import Py4JJavaError
from pyspark.errors import StreamingQueryException
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from streaming.errors import ScoringError, Unavailable
from streaming.service.health import Health

_log = structlog.get_logger("streaming.supervise")
# What the clients of Kafka, PostgreSQL and the checkpoint's file system say when the other side is away; found in the query's failure.
_KAFKA = "org.apache.kafka.common.errors."
_AWAY = (
    *("TimeoutException", "streaming.errors.Unavailable", "org.apache.hadoop.ipc.StandbyException"),
    *(f"java.net.{name}" for name in ("ConnectException", "UnknownHostException", "NoRouteToHostException", "PortUnreachableException")),
    *(f"{_KAFKA}{name}" for name in ("NetworkException", "DisconnectException", "BrokerNotAvailableException", "RetriableException")),
    *(f"{_KAFKA}{name}" for name in ("NotLeaderOrFollowerException", "LeaderNotAvailableException", "CoordinatorNotAvailableException")),
)
# A worker that dies takes its socket with it; waiting for the network would never end.
_DIED = ("Python worker exited unexpectedly", "OutOfMemoryError")
# Two jobs on one checkpoint would take turns for ever, each a batch further than the other.
_ANOTHER = "CONCURRENT_STREAM_LOG_UPDATE"
_STRANGE_MAX = 3  # failures of another kind, in a row and without a batch done, before the job gives up
POLL_S = 1


class QueryFailed(ScoringError):
    """The query failed again and again for a reason that does not go away: see the log, mend it, start again."""


class Stopped(Exception):
    """Raised into the query as a batch begins while the job is to end; the batch is done after the next start."""


class StopGate:
    """Tells the query's batches that the job is to end.

    wait_s: a batch that then takes longer to end is interrupted; it is replayed after the next start.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.stopping = threading.Event()

    def check(self) -> None:
        """Called as a batch begins, and while it waits. Raises Stopped when the job is to end: what waits here cannot be interrupted."""
        if self.stopping.is_set():
            raise Stopped


class _Handler:
    """sun.misc.SignalHandler in Python."""

    class Java:
        """py4j: the interface implemented."""

        implements = ("sun.misc.SignalHandler",)

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def handle(self, _: Any) -> None:
        """Called by the JVM."""
        self._stop()


def catch_signals(spark: SparkSession, gate: StopGate) -> None:
    """SIGTERM and SIGINT end the job after its batch.

    spark-submit's process is the JVM: it gets the signal first, and would tear the session down under the batch.
    """
    context = spark.sparkContext
    ensure_callback_server_started(context._gateway)  # type: ignore[no-untyped-call]
    handler = _Handler(gate.stopping.set)
    jvm: Any = context._jvm
    for name in ("TERM", "INT"):
        jvm.sun.misc.Signal.handle(jvm.sun.misc.Signal(name), handler)
        signal.signal(getattr(signal, f"SIG{name}"), lambda *_: gate.stopping.set())


def supervise(start: Callable[[], StreamingQuery], gate: StopGate, health: Health, *, pause_s: float, pause_max_s: float) -> None:
    """Run a query until a signal ends it; after an outage start it again from its checkpoint, with back-off.

    start: may raise Unavailable, which is an outage too; what else it raises ends the job.
    Raises QueryFailed when it fails for a reason that waiting does not mend.
    """
    pause, strange = pause_s, 0
    while not gate.stopping.is_set():
        query = None
        try:
            query = start()
            _wait(query, gate, health)
            return
        except (StreamingQueryException, Py4JJavaError, Unavailable) as error:  # the last two where it could not even be started
            if gate.stopping.is_set():
                return
            reason = _reason(str(error))
            if _ANOTHER in str(error):
                raise QueryFailed("another job works on this checkpoint; end one of the two, or give it a checkpoint of its own") from None
            progressed = query is not None and query.lastProgress is not None
            away = isinstance(error, Unavailable) or is_away(str(error))
            strange = 0 if away else (1 if progressed else strange + 1)
            if strange >= _STRANGE_MAX:
                raise QueryFailed(f"the query failed {strange} times in a row: {reason}") from None
            pause = pause_s if progressed else min(pause * 2, pause_max_s)
        health.away(reason)
        _log.warning("query_restart", reason=reason, again_in_s=pause)
        gate.stopping.wait(pause)


def _wait(query: StreamingQuery, gate: StopGate, health: Health) -> None:
    ready = False
    while not gate.stopping.is_set():
        if query.awaitTermination(POLL_S) and not gate.stopping.is_set():
            raise QueryFailed("the query was ended by something else than a signal to the job; start it again")
        if not ready and _reads(query):
            ready = True
            health.ready()
    _log.info("stopping", batch_running=query.status["isTriggerActive"])
    until = time.monotonic() + gate.wait_s
    while time.monotonic() < until and query.isActive and query.status["isTriggerActive"]:
        time.sleep(0.05)
    try:
        query.stop()
    except Py4JJavaError as error:  # spark.sql.streaming.stopTimeout is over: the batch is given up, and is replayed after the next start
        _log.warning("batch_given_up", error=str(error.java_exception))
    _log.info("stopped")


def _reads(query: StreamingQuery) -> bool:
    """Whether the query has reached its source: it is past its first look at the topics."""
    return str(query.status["message"]).startswith(("Waiting for", "Processing")) or query.lastProgress is not None


def is_away(failure: str) -> bool:
    """Whether a query's failure, with all its causes, tells of something that may come back by itself."""
    return any(mark in failure for mark in _AWAY) and not any(mark in failure for mark in _DIED)


def _reason(text: str) -> str:
    """The most telling line of a Spark failure: the innermost cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:") or "Error:" in line or "streaming.errors." in line]
    return (causes or lines or ["unknown"])[-1][:300]
