"""The rejected topic: original bytes, and in headers where they came from and why they were rejected.

Delivery: at least once; acknowledged by all replicas before `write` returns. A reader counts distinct addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streaming.errors import Unavailable

_EXCEPTION_CLASS = "streaming.errors.InvalidEvent"
_CONNECT = "__connect.errors."
_OURS = "scoring."


class RejectedTopic:
    """Publishes rejected rows; holds one producer."""

    def __init__(
        self, bootstrap_servers: str, topic: str, *, client: Mapping[str, str], max_message_bytes: int, job: str, delivery_s: float = 60
    ) -> None:
        self._topic, self._job, self._delivery_s = topic, job, delivery_s
        self._failure: KafkaError | None = None
        limits = {"message.max.bytes": max_message_bytes, "queue.buffering.max.kbytes": 262_144, "linger.ms": 0}
        acks = {"acks": "all", "enable.idempotence": True, "delivery.timeout.ms": int(delivery_s * 1000)}
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, **client, **limits, **acks})

    def write(self, rejected: pa.RecordBatch, *, model: str, attempt: int) -> None:
        """Publish rows of the type REJECTED and wait for the brokers' word. Raises Unavailable: wait, then write again."""
        self._failure = None
        for row in rejected.to_pylist():
            self._send(row, model, attempt)
        left = self._producer.flush(self._delivery_s + 5)
        if left or self._failure is not None:
            raise Unavailable(f"topic {self._topic} did not take {left or 'some'} rejected events: {self._failure or 'time is out'}")

    def _send(self, row: dict[str, Any], model: str, attempt: int) -> None:
        headers = [*_original_headers(row), *_headers(row, self._job, model, attempt)]
        sent_ms = int(row["received_at"].timestamp() * 1000)
        while True:
            try:
                self._producer.produce(
                    self._topic, row["value"], row["key"], timestamp=sent_ms, headers=headers, on_delivery=self._delivered
                )
                return
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise Unavailable(f"topic {self._topic}: {error.args[0]}") from None

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failure = error


def _original_headers(row: dict[str, Any]) -> list[tuple[str, str | bytes | None]]:
    """The event's own headers; those of an earlier rejection give way to this one's."""
    headers = row["headers"] or []
    pairs = [(str(h["key"]), h["value"]) for h in headers]
    return [(key, value) for key, value in pairs if not key.startswith((_CONNECT, _OURS))]


def _headers(row: dict[str, Any], job: str, model: str, attempt: int) -> list[tuple[str, str | bytes | None]]:
    texts = {
        _CONNECT + "topic": row["source_topic"],
        _CONNECT + "partition": row["source_partition"],
        _CONNECT + "offset": row["source_offset"],
        _CONNECT + "stage": row["stage"],
        _CONNECT + "exception.class.name": _EXCEPTION_CLASS,
        _CONNECT + "exception.message": row["message"],
        _OURS + "reason": row["reason"],
        _OURS + "path": row["path"],
        _OURS + "schema.version": row["schema_version"],
        _OURS + "model": model,
        _OURS + "job": job,
        _OURS + "attempt": attempt,
    }
    return [(name, str(text).encode(errors="replace")) for name, text in texts.items() if text is not None]
