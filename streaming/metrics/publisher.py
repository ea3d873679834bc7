"""Sends what waits in the outbox to the metrics topic, from a thread of its own, until the brokers have it.

Delivery: at least once, in order, acknowledged by all in-sync replicas before a segment is deleted.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streaming.errors import Unavailable
from streaming.logs import KafkaClientLog
from streaming.metrics.outbox import Outbox
from streaming.metrics.segment import Frame, read_segment

FIRST_PAUSE_S, PAUSE_MAX_S = 0.2, 10.0
_log = structlog.get_logger("streaming.tracking")


class Publisher:
    """One producer for one topic; client: settings in librdkafka's words, the producer's own stand above them."""

    def __init__(self, bootstrap_servers: str, topic: str, *, client: Mapping[str, str], delivery_s: float = 10) -> None:
        self._topic, self._delivery_s = topic, delivery_s
        ours = {"bootstrap.servers": bootstrap_servers, "acks": "all", "enable.idempotence": True, "linger.ms": 0}
        self._settings: dict[str, Any] = {"compression.type": "lz4", **client, **ours, "delivery.timeout.ms": int(delivery_s * 1000)}
        self._producer: Producer | None = None

    def publish(self, frames: Sequence[Frame]) -> None:
        """Send frames in order and wait for the brokers' word. Raises Unavailable if one is not acknowledged: send all again."""
        failures: list[str] = []

        def told(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error.str())

        if self._producer is None:
            self._producer = Producer(self._settings, logger=KafkaClientLog())
        try:
            for frame in frames:
                self._queue(self._producer, frame, told)
            left = self._producer.flush(self._delivery_s + 5)
        except (KafkaException, SystemError) as error:  # a fatal error ends the producer; flush tells it as a SystemError
            self._producer = None
            raise Unavailable(f"topic {self._topic}: {error}; the producer is built anew") from None
        if failures or left:
            self._producer = None  # what it still holds is sent again from the disk
            raise Unavailable(f"topic {self._topic} did not take {len(failures) + left} records: {(failures or ['time is out'])[0]}")

    def _queue(self, producer: Producer, frame: Frame, told: Any) -> None:
        while True:
            try:
                producer.produce(self._topic, frame.value, frame.key, on_delivery=told)
                return
            except BufferError:
                producer.poll(0.1)


class Sending:
    """The thread that empties an outbox; it begins at once and ends when the outbox is closed."""

    def __init__(self, outbox: Outbox, publisher: Publisher, *, linger_s: float) -> None:
        self._outbox, self._publisher, self._linger_s = outbox, publisher, linger_s
        self._ended = threading.Event()
        self.trouble = ""
        """why the last try failed; empty after one that did not"""
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        self._thread.start()

    def end(self, timeout_s: float) -> None:
        """Stop after the try that is under way, wait for it at most timeout_s."""
        self._ended.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._ended.is_set() and (path := self._outbox.take(self._linger_s)) is not None:
            frames = read_segment(path).frames
            if self._sent(frames):
                self._outbox.release(path)

    def _sent(self, frames: Sequence[Frame]) -> bool:
        """Try until the brokers have them; False if it is to end before."""
        pause_s = FIRST_PAUSE_S
        while not self._ended.is_set():
            try:
                self._publisher.publish(frames)
            except Unavailable as error:
                self.trouble = str(error)
                _log.warning("metrics_wait", error=self.trouble, again_in_s=pause_s)
                self._ended.wait(pause_s)
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
            else:
                self.trouble = ""
                return True
        return False
