"""What an HBase store holds after a run, read with happybase alone: the records in its history and among its current rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from faults.evidence import Address, Predicted

CELL = b"p:r"


def read_hbase(address: str, namespace: str) -> tuple[list[Predicted], dict[str, tuple[Address, str]]]:
    """History and current rows (entity → address and event id). address: host:port of the Thrift server."""
    history = [_predicted(record) for record in _records(address, f"{namespace}:prediction") if record["role"] != "shadow"]
    current = {
        record["entity_id"]: (_address(record), record["event_id"]) for record in _records(address, f"{namespace}:current_prediction")
    }
    return history, current


def _records(address: str, table: str) -> Iterator[dict[str, Any]]:
    import happybase

    host, _, port = address.rpartition(":")
    connection = happybase.Connection(host, int(port), timeout=60_000)
    try:
        for _, cells in connection.table(table).scan():
            yield json.loads(cells[CELL])
    finally:
        connection.close()


def _address(record: dict[str, Any]) -> Address:
    return record["source_topic"], record["source_partition"], record["source_offset"]


def _predicted(record: dict[str, Any]) -> Predicted:
    received = datetime.fromisoformat(record["received_at"])
    return Predicted(
        address=_address(record),
        prediction_id=record["prediction_id"],
        event_id=record["event_id"],
        entity=record["entity_id"],
        event_time=record["event_time"],
        sent_ms=round(received.timestamp() * 1000),
        sha256=record["payload_digest"],
        model_version=record["model_version"],
        plan_id=record["plan_id"],
        score=record["score"],
    )
