"""Windows of the event topic held to their contract, one after the other: statistics and expectations, told on the metrics topic.

Delivery: at least once, acknowledged by all in-sync replicas; a record's id lets a reader drop a repeat.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from streaming.config import Settings, load_settings
from streaming.contracts import Contract, load_contract
from streaming.contracts.expectation_run import ExpectationReport, record_of, run_expectations
from streaming.contracts.expectations import expected_of
from streaming.contracts.expected_frame import rows_frame
from streaming.contracts.statistics import blocks_of_messages, describe
from streaming.contracts.statistics.anomaly import Report
from streaming.contracts.statistics.document import Document, document_of, encode_record, records_of
from streaming.contracts.statistics.validate import validate_statistics
from streaming.logs import set_up_logs
from streaming.models.deployment import load_deployment
from streaming.records import rfc3339
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing
from streaming.topic_span import newest

_log = structlog.get_logger("streaming.data")


class Round(msgspec.Struct, frozen=True):
    """What one window came to: statistics against the contract, and expectations row by row."""

    report: Report
    expectations: ExpectationReport

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return self.expectations.success and not self.report.anomalies


def validate_window(settings: Settings, contract: Contract, *, last: int, docs: Path | None = None) -> Round:
    """Hold the newest `last` events to their contract, and publish statistics and results. docs: folder for Data Docs.

    Raises Unavailable if the brokers do not answer, TopicError if a topic is missing.
    """
    messages = newest(settings.kafka, settings.topics.event, last)
    kinds = {field.name: field.kind for field in contract.fields}
    personal = {field.name for field in contract.fields if field.words.sensitivity == "personal"}
    at, source = rfc3339(datetime.now(UTC)), settings.topics.event
    document = document_of(describe(blocks_of_messages(messages, kinds), personal=personal), source, at)
    suite = f"{contract.event}_v{contract.version}"
    expectations = run_expectations(rows_frame(messages, contract), expected_of(contract), suite, docs)
    publish_records(settings, [*statistics_records(document), msgspec.json.encode(record_of(expectations, source, at))], source)
    return Round(validate_statistics(document.state, contract), expectations)


def watch(config: Path, *, last: int, every_s: float, docs: Path | None = None) -> None:
    """Validate a window every `every_s` seconds until SIGTERM or SIGINT; what is wrong is logged, and the next round comes.

    The contract is that of the deployment's event and schema version. Raises ConfigError and ContractError at the
    start, then as `validate_window` does: whoever keeps jobs running starts this one again.
    """
    settings = load_settings(config)
    set_up_logs(settings.log)
    deployment = load_deployment(settings.deployment)
    contract = load_contract(settings.schemas / deployment.event / f"v{deployment.schema_version}.json")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        found = validate_window(settings, contract, last=last, docs=docs)
        for anomaly in found.report.anomalies:
            _log.warning("data_anomaly", field=anomaly.field, finding=anomaly.finding, message=anomaly.message)
        _log.info(
            "data_validated", rows=found.report.rows, anomalies=len(found.report.anomalies), expectations_met=found.expectations.success
        )
        stop.wait(every_s)


def statistics_records(document: Document) -> list[bytes]:
    """Statistics as messages for the metrics topic."""
    return [encode_record(record) for record in records_of(document)]


def publish_records(settings: Settings, records: Sequence[bytes], key: str) -> None:
    """Publish records on the metrics topic and wait for the brokers' word. Raises Unavailable and TopicError."""
    topic = AcknowledgedTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client, compression="lz4", delivery_s=60)
    topic.send(settings.topics.of("metrics"), (Outgoing(record, key.encode()) for record in records))
