"""What became of events where HBase is the store: the same answers as from PostgreSQL, from the table `prediction`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from streaming.local.reconcile import Served
from streaming.settings import Settings
from streaming.sinks.hbase.reader import Stored, stored
from streaming.sinks.hbase.tables import HISTORY


def served_hbase(settings: Settings) -> list[Served]:
    """Served rows of the settings' topic. Raises Unavailable, StoreError."""
    return [_served(row) for row in _history(settings)]


def latencies_ms(settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """When each served event was sent, and how long it took until its row could be read; ms, shape (rows,) each.

    The row's time is the region server's clock as it wrote the cell, which is a moment before the put was acknowledged.
    """
    rows = [(datetime.fromisoformat(row.record["received_at"]).timestamp() * 1000, row.time) for row in _history(settings)]
    sent, written = np.array(rows, dtype=float).reshape(-1, 2).T
    return sent, written - sent


def _history(settings: Settings) -> Iterator[Stored]:
    rows = stored(settings.store.hbase, HISTORY)
    return (row for row in rows if row.record["role"] != "shadow" and row.record["source_topic"] == settings.topics.event)


def _served(row: Stored) -> Served:
    record = row.record
    address = record["source_topic"], record["source_partition"], record["source_offset"]
    return Served(record["prediction_id"], (record["event_id"], record["event_time"]), address, record["payload_digest"])
