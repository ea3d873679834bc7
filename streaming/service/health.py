"""What the driver tells the outside: Prometheus metrics, /livez and /readyz, on loopback unless told otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streaming.errors import ConfigError
from streaming.settings import Http

STUCK_S = 60.0  # a batch that runs for longer makes the job not ready: a sink is away, or it hangs


class Health:
    """State of one job: whether it is ready, and the registry of its figures for Prometheus."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.registry = CollectorRegistry()
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

    def batch_ended(self) -> None:
        """A micro-batch ended, well or not."""
        self._since = 0.0

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
