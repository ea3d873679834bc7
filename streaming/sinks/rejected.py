"""The rejected topic: original bytes, and in headers where they came from and why they were rejected.

Delivery: at least once; acknowledged by all in-sync replicas before `write` returns. A reader counts distinct addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from streaming.sinks.acknowledged import TIME_HEADER, AcknowledgedTopic, Header, Outgoing
from streaming.steps.replayed import ATTEMPT, REPLAY_HEADERS, attempts

_AT_ONCE = 100
_EXCEPTION_CLASS = "streaming.errors.InvalidEvent"
_CONNECT = "__connect.errors."
_REASON_HEADERS = frozenset(f"scoring.{name}" for name in ("reason", "path", "schema.version", "model", "job"))
_OURS = _REASON_HEADERS | {ATTEMPT, TIME_HEADER} | REPLAY_HEADERS


class RejectedTopic:
    """Publishes rejected rows; holds one producer.

    max_message_bytes: the topic's max.message.bytes, which is a limit on what is sent compressed: a larger event fits if
    it compresses well.
    """

    def __init__(
        self, bootstrap_servers: str, topic: str, *, client: Mapping[str, str], max_message_bytes: int, job: str, delivery_s: float = 60
    ) -> None:
        self._name, self._job = topic, job
        # zstd: an event that fitted into the source topic compressed is to fit here, whatever its producer compressed with.
        self._topic = AcknowledgedTopic(
            bootstrap_servers, client=client, compression="zstd", batch_bytes=max_message_bytes, delivery_s=delivery_s
        )

    def write(self, rejected: pa.RecordBatch, *, model: str) -> None:
        """Publish rows of the type REJECTED and wait for the brokers' word.

        An event's time stays the record's own; one that Kafka does not take (before 1970, say) stands in a header.
        Raises Unavailable: wait, then write again. Raises TopicError for an event that the topic will never take, too large
        even compressed, say: mend the topic, for nothing of the batch is committed before it is whole there.
        """
        self._topic.send(self._name, self._messages(rejected, model))

    def _messages(self, rejected: pa.RecordBatch, model: str) -> Iterator[Outgoing]:
        # A datetime holds neither years before 1 nor after 9999, which a producer may well send.
        times_ms = rejected.column("received_at").cast(pa.int64()).to_numpy() // 1000
        rows = _rows(rejected.drop_columns(["received_at"]))
        for row, sent_ms, attempt in zip(rows, times_ms.tolist(), attempts(rejected).tolist(), strict=True):
            original = own_headers((str(pair["key"]), pair["value"]) for pair in row["headers"] or [])
            headers = [*original, *_headers(row, self._job, model, attempt)]
            message = Outgoing(row["value"], row["key"], headers, sent_ms)
            yield message if sent_ms > 0 else message.timeless()


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as Python's values, few at a time: an event may have many megabytes."""
    for start in range(0, batch.num_rows, _AT_ONCE):
        yield from batch.slice(start, _AT_ONCE).to_pylist()


def own_headers(headers: Iterable[Header]) -> list[Header]:
    """An event's own headers, in order: without those that a rejection or a replay gave it."""
    return [(key, value) for key, value in headers if key not in _OURS and not key.startswith(_CONNECT)]


def _headers(row: dict[str, Any], job: str, model: str, attempt: int) -> list[Header]:
    texts = {
        _CONNECT + "topic": row["source_topic"],
        _CONNECT + "partition": row["source_partition"],
        _CONNECT + "offset": row["source_offset"],
        _CONNECT + "stage": row["stage"],
        _CONNECT + "exception.class.name": _EXCEPTION_CLASS,
        _CONNECT + "exception.message": row["message"],
        "scoring.reason": row["reason"],
        "scoring.path": row["path"],
        "scoring.schema.version": row["schema_version"],
        "scoring.model": model,
        "scoring.job": job,
        ATTEMPT: attempt,
    }
    return [(name, str(text).encode(errors="replace")) for name, text in texts.items() if text is not None]
