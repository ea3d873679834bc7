"""The rejected topic: original bytes, and in headers where they came from and why they were rejected.

Delivery: at least once; acknowledged by all in-sync replicas before `write` returns. A reader counts distinct addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from streaming.sinks.acknowledged import TIME_HEADER, AcknowledgedTopic, Header, Outgoing
from streaming.steps.replayed import ATTEMPT, MAPPING, REPLAY_HEADERS, attempts

OWN_COUNT = "scoring.headers"
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
            came: list[Header] = [(str(pair["key"]), pair["value"]) for pair in row["headers"] or []]
            # Only a replay's headers are ours; those of any other event are its own, whatever their names.
            own, ours = split_headers(came) if attempt > 1 else (came, [])
            mapping = [header for header in ours if header[0] == MAPPING]
            headers = [*own, own_count(own), *_headers(row, self._job, model, attempt), *mapping]
            message = Outgoing(row["value"], row["key"], headers, sent_ms)
            yield message if sent_ms > 0 else message.timeless()


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as Python's values, few at a time: an event may have many megabytes."""
    for start in range(0, batch.num_rows, _AT_ONCE):
        yield from batch.slice(start, _AT_ONCE).to_pylist()


def split_headers(headers: Sequence[Header]) -> tuple[list[Header], list[Header]]:
    """The headers of a rejected or replayed event, in order: the event's own, and those that this service added.

    The last header `scoring.headers` that says its own place parts them. Records of earlier releases have none: there a
    header is ours by its name.
    """
    for place in reversed(range(len(headers))):
        if headers[place][0] == OWN_COUNT and headers[place][1] in (str(place), str(place).encode()):
            return [*headers[:place]], [*headers[place + 1 :]]
    return [header for header in headers if not _named_as_ours(header)], [*filter(_named_as_ours, headers)]


def own_count(own: Sequence[Header]) -> Header:
    """The header that stands behind an event's own ones and says how many they are."""
    return OWN_COUNT, str(len(own)).encode()


def _named_as_ours(header: Header) -> bool:
    return header[0] in _OURS or header[0].startswith(_CONNECT)


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
        "scoring.value": row["value_found"] or None,
        "scoring.schema.version": row["schema_version"],
        "scoring.model": model,
        "scoring.job": job,
        ATTEMPT: attempt,
    }
    return [(name, str(text).encode(errors="replace")) for name, text in texts.items() if text is not None]
