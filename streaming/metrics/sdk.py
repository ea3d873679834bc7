"""Metrics of everyone's own: attached to a prediction when it is made or months later, or said of a span of time.

Each call is one record `tracked` on the metrics topic. A call returns as soon as the record lies in the outbox on disk; a thread sends
it. Usable from any process that has the configuration file: `configure(path)`, or SCORING_CONFIG in the environment.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from streaming.errors import ConfigError, DeliveryError
from streaming.metrics.call import current_call
from streaming.metrics.tracking import Instant, Subject, instant, tracked_record

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from streaming.metrics.tracker import Tracker
    from streaming.settings import Settings

ENVIRONMENT = "SCORING_CONFIG"
_lock = threading.Lock()
_source: Settings | Path | None = None
_tracker: Tracker | None = None


def configure(source: Settings | Path | str | None = None) -> None:
    """Say which configuration to track and read by: settings, a path, or None for SCORING_CONFIG. What was tracked before is sent."""
    global _source  # noqa: PLW0603 (a process has one configuration)
    close()
    _source = Path(source) if isinstance(source, str) else source


def configuration(*, without: tuple[str, ...]) -> Settings:
    """The settings in force. without: tables not needed. Raises ConfigError if nobody has named any, or they are wrong."""
    from streaming.config import load_settings

    source = _source if _source is not None else os.environ.get(ENVIRONMENT)
    if source is None:
        raise ConfigError(f"nobody has said where the configuration is; call streaming.metrics.configure(path) or set {ENVIRONMENT}")
    return load_settings(Path(source), without=without) if isinstance(source, str | Path) else source


def track_metrics(
    metrics: Mapping[str, Any],
    prediction_id: str | None = None,
    *,
    key: str | None = None,
    deployment: str | None = None,
    model: str = "",
    version: str = "",
) -> str:
    """Attach metrics to a prediction as it is made.

    metrics: names and any values that JSON can hold (numpy's and times too; NaN becomes null). prediction_id: None is the scoring
    call's that is under way (`scoring_call`), and outside of one a new id. key: of calls with the same key the first one stands.
    deployment: None is the call's or the configuration's. Returns the prediction's id: keep it, its truth comes later.
    Raises ConfigError, InvalidEvent (the metrics are not JSON), OutboxFull.
    """
    call = current_call()
    if prediction_id is None:
        prediction_id = call.prediction_id if call else str(uuid.uuid4())
    if call and call.prediction_id == prediction_id:
        deployment, model, version = deployment or call.deployment, model or call.model, version or call.version
    _track("prediction", metrics, Subject(deployment or "", model, version, prediction_id), key)
    return prediction_id


def track_delayed_metrics(metrics: Mapping[str, Any], prediction_id: str, *, key: str | None = None, deployment: str | None = None) -> None:
    """Attach metrics that are known only after the prediction, such as the truth. Of two values of one name the later call's stands.

    Arguments and errors as of `track_metrics`.
    """
    _track("delayed", metrics, Subject(deployment or "", prediction_id=prediction_id), key)


def track_aggregate_metrics(
    metrics: Mapping[str, Any],
    start: Instant,
    end: Instant,
    deployment: str | None = None,
    *,
    key: str | None = None,
    model: str = "",
    version: str = "",
) -> None:
    """Say something of all predictions with start <= time < end, such as an accuracy. Numbers become time series `tracked.<name>`.

    start, end: aware datetimes, RFC 3339 texts, or milliseconds since 1970. The same span said again replaces what was said.
    Errors as of `track_metrics`; ConfigError also for times that are none.
    """
    if (first := instant(start, "start")) >= (last := instant(end, "end")):
        raise ConfigError(f"start {first} is not before end {last}; an aggregate is about start <= time < end")
    _track("aggregate", metrics, Subject(deployment or "", model, version, start=first, end=last), key)


def track_metrics_bulk(
    rows: pd.DataFrame | pa.Table | Iterable[tuple[str, Mapping[str, Any]]],
    *,
    delayed: bool = False,
    id_column: str = "prediction_id",
    key: str | None = None,
    deployment: str | None = None,
) -> int:
    """Attach metrics to many predictions: a frame with their ids in `id_column` and a metric in each other column, or pairs.

    key: of the whole bulk; with each row's id it is the row's key, so that a bulk that is sent again changes nothing. A null metric
    is left out. Returns how many rows were tracked. Raises as `track_metrics`; rows before the one that fails stay tracked.
    """
    from streaming.metrics.tracking import pairs

    done, call, tracker = 0, "delayed" if delayed else "prediction", _open()
    at = time.time()
    for prediction_id, metrics in pairs(rows, id_column):
        subject = Subject(deployment or tracker.deployment, prediction_id=prediction_id)
        tracker.track(tracked_record(call, metrics, subject, f"{key}/{prediction_id}" if key else None, at))  # type: ignore[arg-type]
        done += 1
    return done


def flush(timeout_s: float = 60) -> None:
    """Wait until everything tracked is acknowledged. Raises DeliveryError after timeout_s; it stays on disk and is tried further."""
    if _tracker is not None and not _tracker.outbox.wait_empty(timeout_s):
        why = _tracker.sending.trouble or f"no answer within {timeout_s:g} s"
        raise DeliveryError(f"{_tracker.outbox.waiting_bytes:,} bytes of metrics wait in {_tracker.outbox.folder}: {why}; see the brokers")


def close(wait_s: float | None = None) -> None:
    """Send what waits, for at most wait_s (None: tracking.exit_wait_s), and stop. What is left goes with the next who tracks."""
    global _tracker
    with _lock:
        tracker, _tracker = _tracker, None
    if tracker is not None:
        tracker.close(wait_s)


def _track(call: Literal["prediction", "delayed", "aggregate"], metrics: Mapping[str, Any], subject: Subject, key: str | None) -> None:
    tracker = _open()
    tracker.track(tracked_record(call, metrics, subject.of(tracker.deployment), key, time.time()))


def _open() -> Tracker:
    global _tracker  # noqa: PLW0603
    with _lock:
        if _tracker is None:
            from streaming.metrics.tracker import Tracker
            from streaming.settings import TRACKING_WITHOUT

            _tracker = Tracker(configuration(without=TRACKING_WITHOUT))
        return _tracker


def _after_fork() -> None:
    """A child has its parent's memory and not its threads: it opens an outbox of its own."""
    global _tracker, _lock
    if _tracker is not None:
        _tracker.outbox.forsake()
    _tracker, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close)
