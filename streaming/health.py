"""What the driver tells the outside: Prometheus metrics, /livez and /readyz, on loopback unless told otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from streaming.config import Http
from streaming.errors import ConfigError
from streaming.gather import MOST_NAMES
from streaming.metrics.records import Metrics
from streaming.metrics.sketches import LATENCY_BASE, LatencySketch, merge_latencies
from streaming.metrics.tally import OTHER

_LATENCY_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
STUCK_S = 60.0  # a batch that runs for longer makes the job not ready: a sink is away, or it hangs


class LatencyCollector(Collector):
    """The latency sketches of all batches as one Prometheus histogram: its cost does not grow with the number of events."""

    def __init__(self) -> None:
        self._sketch: LatencySketch = {}

    def add(self, sketch: LatencySketch) -> None:
        """Add a batch's sketch."""
        self._sketch = merge_latencies([self._sketch, sketch])

    def collect(self) -> Iterable[Metric]:
        """The histogram in seconds."""
        bins = [(LATENCY_BASE ** int(place) / 1000, n) for place, n in self._sketch.items()]
        buckets = [(str(edge), float(sum(n for s, n in bins if s <= edge))) for edge in _LATENCY_S]
        total = sum(n for _, n in bins)
        family = HistogramMetricFamily("scoring_latency_seconds", "Producer's timestamp to row readable")
        family.add_metric([], [*buckets, ("+Inf", float(total))], sum(s * n for s, n in bins))
        yield family


class Health:
    """State of one job: what is ready, and the figures for Prometheus."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.registry = CollectorRegistry()
        self._events = Counter("scoring_events", "Events by outcome", ["outcome"], registry=self.registry)
        self._rejected = Counter("scoring_rejected", "Rejected events by reason", ["reason"], registry=self.registry)
        self._producers = Counter("scoring_rejected_by_producer", "Rejected events by producer", ["producer"], registry=self.registry)
        self._versions = Counter(
            "scoring_rejected_by_schema_version", "Rejected events by schema version", ["schema_version"], registry=self.registry
        )
        self._replayed = Counter("scoring_replayed", "Events of the replay topic by outcome", ["outcome"], registry=self.registry)
        self._names: dict[str, set[str]] = {}
        self._latency = LatencyCollector()
        self.registry.register(self._latency)
        self._batch = Histogram("scoring_batch_seconds", "Duration of a micro-batch", buckets=_LATENCY_S, registry=self.registry)
        self._part = Gauge("scoring_batch_part_seconds", "Parts of the last micro-batch", ["part"], registry=self.registry)
        self._model = Gauge("scoring_model_info", "Serving version", ["model", "version"], registry=self.registry)
        self._waited = Counter("scoring_sink_wait_seconds", "Time spent waiting for a sink that was away", registry=self.registry)
        self._restarts = Counter("scoring_query_restarts", "Restarts of the query after an outage", registry=self.registry)
        self._running = Gauge("scoring_batch_running_seconds", "Age of the running micro-batch, 0 if none", registry=self.registry)
        self._running.set_function(self._running_s)
        self._watch_alive: Callable[[], bool] = lambda: True
        self._since = 0.0
        self._not_ready = "starting"

    def follows(self, watch_alive: Callable[[], bool]) -> None:
        """The job follows an alias: from now on it is ready only while `watch_alive()`, which is asked at each probe."""
        self._watch_alive = watch_alive
        gauge = Gauge("scoring_model_watch_alive", "1 while the alias of the model is followed", registry=self.registry)
        gauge.set_function(lambda: float(watch_alive()))

    def ready(self) -> None:
        """The query runs and has reached its source."""
        self._not_ready = ""

    def away(self, reason: str) -> None:
        """The query waits for something that is away."""
        self._not_ready = reason
        self._restarts.inc()

    def batch_began(self) -> None:
        """A micro-batch began."""
        self._since = time.monotonic()

    def batch_ended(self, record: Metrics | None = None) -> None:
        """A micro-batch ended; its record's figures are added."""
        self._since = 0.0
        if record is None:
            return
        for outcome in ("scored", "repeated", "rejected"):
            self._events.labels(outcome).inc(getattr(record, outcome))
        for reason, n in record.rejected_by_reason.items():
            self._rejected.labels(reason).inc(n)
        for producer, n in record.rejected_by_producer.items():
            self._producers.labels(self._named("producer", producer)).inc(n)
        for version, n in record.rejected_by_schema_version.items():
            self._versions.labels(self._named("schema_version", version)).inc(n)
        for outcome, n in record.replayed.items():
            self._replayed.labels(outcome).inc(n)
        self._latency.add(record.latency_ms)
        self._batch.observe(record.duration_ms / 1000)
        for part, ms in record.parts_ms.items():
            self._part.labels(part).set(ms / 1000)
        self._waited.inc(record.waited_s)
        if record.groups:
            self._model.clear()  # a version that serves no more must not stay at 1
        for group in record.groups:
            self._model.labels(group.model, group.model_version).set(1)

    def _named(self, label: str, name: str) -> str:
        """A label's value that a producer chose: the first 20 as they are, "other" for all that come after them."""
        known = self._names.setdefault(label, set())
        if len(known) < MOST_NAMES:
            known.add(name)
        return name if name in known else OTHER

    def not_ready(self) -> str:
        """Why the job is not ready; empty if it is."""
        running_s = self._running_s()
        if running_s > STUCK_S:
            return f"a micro-batch has run for {running_s:.0f} s"
        if not self._watch_alive():
            return "the model watch ended, new versions are not seen; see the log, then start the job again"
        return self._not_ready

    def _running_s(self) -> float:
        since = self._since  # read once: the batch may end, in another thread, between two looks
        return time.monotonic() - since if since else 0.0


@contextmanager
def served(health: Health, http: Http, port: int) -> Iterator[int]:
    """Serve the job's health from a daemon thread while the block runs. Yields the port.

    It is written to <port_file>/<job>.port if that is set. Raises ConfigError if the port cannot be had.
    """
    try:
        server = ThreadingHTTPServer((http.host, port), _handler(health))
    except OSError as error:
        raise ConfigError(
            f"http.{health.job}_port: {http.host}:{port} cannot be served ({error.strerror}); end what holds it, or name another"
        ) from None
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    taken = int(server.server_address[1])
    with ExitStack() as undo:
        undo.callback(server.server_close)
        undo.callback(server.shutdown)
        if http.port_file is not None:
            undo.enter_context(_remembered(http.port_file / f"{health.job}.port", taken))
        yield taken


@contextmanager
def _remembered(path: Path, port: int) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{port}\n", encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    def live() -> tuple[int, bytes]:
        return 200, b"live\n"

    def ready() -> tuple[int, bytes]:
        reason = health.not_ready()
        return (503, f"{reason}\n".encode()) if reason else (200, b"ready\n")

    def metrics() -> tuple[int, bytes]:
        return 200, generate_latest(health.registry)

    routes: dict[str, Callable[[], tuple[int, bytes]]] = {"/livez": live, "/readyz": ready, "/metrics": metrics}

    class Handler(BaseHTTPRequestHandler):
        """Answers GET on the three paths."""

        def do_GET(self) -> None:
            """Answer a request."""
            status, body = routes[self.path]() if self.path in routes else (404, b"/metrics /livez /readyz\n")
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST if self.path == "/metrics" else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Stay silent: a scrape is no event."""

    return Handler
