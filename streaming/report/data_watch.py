"""Data held to their contract, one window of the event topic after the other or a file: statistics and expectations.

What is found is told on the metrics topic: records `statistics`, and one `expectations` that says what is wrong.
Delivery: at least once, acknowledged by all in-sync replicas; a record's id lets a reader drop a repeat.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from streaming.config import load_settings
from streaming.contracts import Contract, load_contract
from streaming.contracts.expectation_record import record_of
from streaming.contracts.expectation_run import ExpectationReport
from streaming.contracts.schema import load_contracts
from streaming.contracts.statistics import describe, read_blocks
from streaming.contracts.statistics.anomaly import Report
from streaming.contracts.statistics.column import Block
from streaming.contracts.statistics.dataset import Statistics
from streaming.contracts.statistics.document import Document, document_of, encode_record, records_of
from streaming.contracts.statistics.parse import block_of_rows
from streaming.contracts.statistics.validate import validate_statistics
from streaming.kafka.topic_span import newest_messages
from streaming.logs import set_up_logs
from streaming.models.deployment import load_deployment
from streaming.records import rfc3339
from streaming.report.data_suite import file_in_suite, window_in_suite
from streaming.report.data_window import describable, stream_window
from streaming.settings import Settings
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing

WITHOUT = ("store", "registry")
"""tables of the configuration that nothing here uses"""
_log = structlog.get_logger("streaming.data")


class Round(msgspec.Struct, frozen=True):
    """What some data came to: statistics against the contract, and expectations row by row."""

    report: Report
    expectations: ExpectationReport

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return self.expectations.success and not self.report.anomalies


def validate_window(settings: Settings, contract: Contract, *, last: int, docs: Path | None = None) -> Round:
    """Hold the newest `last` events, read as the stream reads them, to the contract of a deployment, and publish what was found.

    docs: folder for Data Docs. Raises Unavailable if the brokers or a schema registry do not answer, TopicError if a topic is
    missing, SetupError if `docs` cannot be written.
    """
    contracts = load_contracts(settings.schemas, contract.event) | {contract.version: contract}
    messages = newest_messages(settings.kafka, settings.topics.event, last)
    window = stream_window(settings, contracts, contract.version, messages)
    expectations = window_in_suite(window, contract, docs=docs)
    block = block_of_rows(describable(window.rows, contract), window.unreadable, _kinds(contract))
    return _published(settings, contract, settings.topics.event, described([block], contract), expectations)


def validate_file(settings: Settings, contract: Contract, file: Path, *, metadata: bool = True, docs: Path | None = None) -> Round:
    """Hold a file, say the input of a batch, to a contract, and publish what was found.

    metadata: whether ids and times stand in it. Raises DataError, and as `validate_window` does.
    """
    expectations = file_in_suite(file, contract, metadata=metadata, docs=docs)
    statistics = described(read_blocks(file, _kinds(contract)), contract)
    return _published(settings, contract, str(file), statistics, expectations, metadata=metadata)


def watch(config: Path, *, last: int, every_s: float, docs: Path | None = None) -> None:
    """Validate a window every `every_s` seconds until SIGTERM or SIGINT; what is wrong is logged too, and the next round comes.

    The contract is that of the deployment's event and schema version. Raises ConfigError and ContractError at the
    start, then as `validate_window` does: whoever keeps jobs running starts this one again.
    """
    settings, contract = _set_up(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        _tell(validate_window(settings, contract, last=last, docs=docs))
        stop.wait(every_s)


def watch_file(config: Path, file: Path, *, metadata: bool = True, docs: Path | None = None) -> bool:
    """Validate a file once. Returns whether nothing was wrong. Raises as `watch` and `validate_file` do."""
    settings, contract = _set_up(config)
    found = validate_file(settings, contract, file, metadata=metadata, docs=docs)
    _tell(found)
    return found.sound


def statistics_records(document: Document) -> list[bytes]:
    """Statistics as messages for the metrics topic."""
    return [encode_record(record) for record in records_of(document)]


def publish_records(settings: Settings, records: Sequence[bytes], key: str) -> None:
    """Publish records on the metrics topic and wait for the brokers' word. Raises Unavailable and TopicError."""
    topic = AcknowledgedTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client, compression="lz4", delivery_s=60)
    topic.send(settings.topics.of("metrics"), (Outgoing(record, key.encode()) for record in records))


def _set_up(config: Path) -> tuple[Settings, Contract]:
    settings = load_settings(config, without=WITHOUT)
    set_up_logs(settings.log)
    deployment = load_deployment(settings.deployment)
    return settings, load_contract(settings.schemas / deployment.event / f"v{deployment.schema_version}.json")


def _published(
    settings: Settings, contract: Contract, source: str, statistics: Statistics, expectations: ExpectationReport, *, metadata: bool = True
) -> Round:
    at, report = rfc3339(datetime.now(UTC)), validate_statistics(statistics, contract, metadata=metadata)
    told = msgspec.json.encode(record_of(expectations, source, at, report.anomalies))
    publish_records(settings, [*statistics_records(document_of(statistics, source, at)), told], source)
    return Round(report, expectations)


def _tell(found: Round) -> None:
    for anomaly in found.report.anomalies:
        _log.warning("data_anomaly", field=anomaly.field, finding=anomaly.finding, message=anomaly.message)
    held = found.expectations
    level = _log.info if found.sound else _log.warning
    level(
        "data_validated", rows=held.rows, anomalies=len(found.report.anomalies), expectations_met=all(one.success for one in held.outcomes),
        unreadable=held.unreadable, refused=held.refused,
    )  # fmt: skip


def _kinds(contract: Contract) -> dict[str, str]:
    return {field.name: field.kind for field in contract.fields}


def described(blocks: Iterable[Block], contract: Contract, slices: Sequence[str] = ()) -> Statistics:
    """Statistics of data under a contract: of personal fields no value is kept, and integers with choices are categories."""
    personal = {field.name for field in contract.fields if field.words.sensitivity == "personal"}
    coded = {field.name for field in contract.fields if field.choices is not None and field.kind in ("integer", "number")}
    return describe(blocks, slices=slices, personal=personal, categories=coded)
