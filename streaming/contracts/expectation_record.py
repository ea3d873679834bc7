"""What expectations and statistics found wrong, as one record on the metrics topic. Its schema lies in schemas/expectations/v1.json."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from streaming.contracts.expectation_run import ExpectationReport
from streaming.contracts.statistics.anomaly import Anomaly

MOST_ANOMALIES = 100
"""Anomalies that a record holds: a message has a limit, and a stranger may send thousands of unknown fields."""
_NAMESPACE = uuid.UUID("5f4d6f0e-8a8e-5d0b-a2b3-3c1c5b7d9e61")


class RecordedAnomaly(msgspec.Struct, frozen=True):
    """An anomaly that statistics found. field: "" for the whole data set; rows: null where statistics do not tell."""

    field: str
    finding: str
    rows: int | None
    message: str


class ExpectationsRecord(msgspec.Struct, frozen=True, tag="expectations", tag_field="record"):
    """A report on the metrics topic, without places of rows. source: the file or topic.

    success: every expectation is met, and there were rows, and nothing was unreadable or refused; anomalies do not change it.
    """

    id: str
    at: str
    source: str
    suite: str
    rows: int
    success: bool
    failed: dict[str, int]
    """path and rule, as in "/tenure minimum" → rows that break it"""
    expectations: int
    unreadable: int = 0
    refused: dict[str, int] = {}
    """reason → events that the stream rejects"""
    anomalies: list[RecordedAnomaly] = []
    """the first 100"""
    anomaly_count: int = 0
    version: int = 1


def record_of(report: ExpectationReport, source: str, at: str, anomalies: Sequence[Anomaly] = ()) -> ExpectationsRecord:
    """A report, with anomalies of the same rows, as a record; at: RFC 3339, UTC. The same arguments give the same id."""
    failed = {f"{outcome.path} {outcome.rule}".strip(): outcome.failed for outcome in report.outcomes if not outcome.success}
    return ExpectationsRecord(
        id=str(uuid.uuid5(_NAMESPACE, msgspec.json.encode([source, at, report.suite]).decode())),
        at=at,
        source=source,
        suite=report.suite,
        rows=report.rows,
        success=report.success,
        failed=failed,
        expectations=len(report.outcomes),
        unreadable=report.unreadable,
        refused=report.refused,
        anomalies=[RecordedAnomaly(one.field, one.finding, one.rows, one.message) for one in anomalies[:MOST_ANOMALIES]],
        anomaly_count=len(anomalies),
    )
