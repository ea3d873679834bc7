"""What the commands of `scoring data` share: where data come from, and where results go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from streaming.config import load_settings
from streaming.contracts import Contract, load_contract
from streaming.contracts.expectation_record import record_of as expectations_record
from streaming.contracts.expectation_run import ExpectationReport
from streaming.contracts.reasons import clip
from streaming.contracts.schema import load_contracts
from streaming.contracts.statistics import DataError, blocks_of_messages, describe, read_blocks
from streaming.contracts.statistics.against_baseline import Comparison, Thresholds
from streaming.contracts.statistics.anomaly import Report, shown_name
from streaming.contracts.statistics.column import Block
from streaming.contracts.statistics.dataset import left_out
from streaming.contracts.statistics.document import Document, document_of, read_document
from streaming.contracts.statistics.parse import block_of_rows
from streaming.contracts.statistics.proposal import write_proposal
from streaming.contracts.statistics.validate import validate_statistics
from streaming.contracts.vocabulary import Environment
from streaming.errors import ContractError
from streaming.kafka.topic_span import messages_since, newest, newest_messages, since
from streaming.records import rfc3339
from streaming.report.data_page import write_data
from streaming.report.data_watch import WITHOUT, described, publish_records, statistics_records
from streaming.report.data_window import Window, describable, stream_window


class Source(msgspec.Struct, frozen=True):
    """A file, or a window of a topic: its newest `last` messages, or those of the last `window_s` seconds if that is not 0."""

    file: Path | None
    topic: str
    last: int
    window_s: float
    config: Path

    @property
    def name(self) -> str:
        """The file's or the topic's name. Raises BadParameter unless exactly one of them is given."""
        if (self.file is None) == (not self.topic):
            raise typer.BadParameter("name a file, or a topic with --topic")
        return self.topic or str(self.file)

    def messages(self) -> Iterable[bytes]:
        """The messages of the topic's window. Raises Unavailable and TopicError."""
        kafka = load_settings(self.config).kafka
        return since(kafka, self.topic, self.window_s) if self.window_s else newest(kafka, self.topic, self.last)

    def window(self, contract: Contract) -> Window:
        """The topic's window as the stream reads it: every wire format, events of other versions lifted to the contract's.

        Raises Unavailable, TopicError, ContractError.
        """
        settings = load_settings(self.config, without=WITHOUT)
        kafka, topic = settings.kafka, self.topic
        messages = messages_since(kafka, topic, self.window_s) if self.window_s else newest_messages(kafka, topic, self.last)
        known = load_contracts(settings.schemas, contract.event) if (settings.schemas / contract.event).is_dir() else {}
        return stream_window(settings, known | {contract.version: contract}, contract.version, messages)

    def blocks(self, contract: Contract | None) -> Iterator[Block]:
        """The rows, a block at a time; without a contract the messages of a topic are plain JSON."""
        kinds = {field.name: field.kind for field in contract.fields} if contract else {}
        if self.name != self.topic:
            assert self.file is not None
            return read_blocks(self.file, kinds)
        if contract is None:
            return blocks_of_messages(self.messages(), kinds)
        window = self.window(contract)
        return iter([block_of_rows(describable(window.rows, contract), window.unreadable, kinds)])

    def document(self, contract: Contract | None, slices: Sequence[str] = ()) -> Document:
        """Statistics of the rows; of personal fields of the contract no value is kept, and integers with choices are categories.

        Raises DataError, also if a field to slice by is in no row.
        """
        blocks = self.blocks(contract)
        statistics = described(blocks, contract, slices) if contract else describe(blocks, slices=slices)
        strange = [name for name in slices if name not in statistics.fields]
        if strange and statistics.rows:
            known = ", ".join(map(shown_name, statistics.fields))
            raise DataError(f"{self.name}: there is no field {shown_name(strange[0])!r} to slice by; there are {clip(known, 300)}")
        return document_of(statistics, self.name, rfc3339(datetime.now(UTC)))


class NoContract(ContractError):
    """There is no contract of the name that was given, or it cannot be used: name another, or mend it."""

    exit_code = 2


class Proposed(msgspec.Struct, frozen=True):
    """The proposed schema's file, or why there is none; neither where none was asked for."""

    path: Path | None = None
    error: str = ""


def find_contract(schema: str, schemas: Path, environment: Environment) -> Contract:
    """The contract that --schema names: NAME/VERSION (customer_activity/1) or a file. Raises NoContract and BadParameter."""
    if not schema:
        raise typer.BadParameter("name the contract with --schema, as in --schema customer_activity/1")
    name, _, version = schema.rpartition("/")
    path = Path(schema) if schema.endswith(".json") else schemas / name / f"v{version.removeprefix('v')}.json"
    try:
        return load_contract(path, environment)
    except ContractError as error:
        raise NoContract(str(error)) from None


def publish_statistics(document: Document, config: Path) -> None:
    """Publish statistics as records on the metrics topic. Raises Unavailable and TopicError."""
    publish_records(load_settings(config), statistics_records(document), document.source)


def publish_expectations(report: ExpectationReport, source: str, config: Path) -> None:
    """Publish what a suite came to as one record on the metrics topic. Raises Unavailable and TopicError."""
    record = expectations_record(report, source, rfc3339(datetime.now(UTC)))
    publish_records(load_settings(config), [msgspec.json.encode(record)], source)


def show_statistics(document: Document) -> None:
    """One line for each field, then what is beyond a limit."""
    summary = document.summary
    typer.echo(f"{document.source}: {summary.rows:,} rows, {len(summary.fields)} fields, {summary.unreadable:,} unreadable")
    for name, field in summary.fields.items():
        numbers = field.numbers
        spread = f", mean {numbers.mean:.6g}, {numbers.low:.6g} to {numbers.high:.6g}" if numbers and numbers.mean is not None else ""
        top = f", most often {clip(field.top[0].value, 60)!r} {field.top[0].count:,}×" if field.top and not spread else ""
        typer.echo(
            f"  {shown_name(name)}: {field.type}, {field.presence * 100:.4g} % present, {field.distinct.estimate:,} different{spread}{top}"
        )
    for line in left_out(summary):
        typer.echo(f"  {line}")


def propose_schema(contract: Contract, report: Report, folder: Path | None) -> Proposed:
    """Write the next version below a folder, if one is named and there are anomalies; an error is kept, to be told after them."""
    if folder is None or not report.anomalies:
        return Proposed()
    try:
        return Proposed(write_proposal(contract, report.anomalies, folder))
    except ContractError as error:
        return Proposed(error=str(error))


def hold(
    document: Document,
    contract: Contract,
    baseline: Path | None,
    comparison: Comparison,
    limits: Thresholds,
    *,
    metadata: bool,
    page: Path | None,
) -> Report:
    """Hold statistics to a contract, and to a baseline if one is named; write a page if one is named. Raises DataError, SetupError."""
    before = read_document(baseline) if baseline else None
    state = before.state if before else None
    report = validate_statistics(document.state, contract, state, comparison=comparison, thresholds=limits, metadata=metadata)
    if page:
        write_data(document, page, report, before)
    return report


def show_anomalies(report: Report, proposal: Proposed, *, as_json: bool) -> None:
    """Each anomaly with its two ways out, then what statistics cannot tell, and the proposal or why there is none."""
    if as_json:
        told = {"proposal": str(proposal.path) if proposal.path else None, "proposal_error": proposal.error or None}
        typer.echo(msgspec.json.encode(msgspec.to_builtins(report) | told))
        return
    for anomaly in report.anomalies:
        typer.echo(f"{anomaly.message}\n  mend the data: {anomaly.mend_data}\n  change the schema: {anomaly.change_schema}")
    untold = "; ".join(f"{name or 'event'}: {', '.join(keywords)}" for name, keywords in report.unchecked.items())
    count = f"{len(report.anomalies)} anomal{'y' if len(report.anomalies) == 1 else 'ies'}"
    typer.echo(f"{report.rows:,} rows, {count}" + (f"; not told by statistics: {untold}" if untold else ""))
    if report.too_few:
        typer.echo(f"too few values to tell drift from chance: {', '.join(map(shown_name, report.too_few))}")
    if proposal.path:
        typer.echo(f"proposed: {proposal.path}; review it, then `scoring schema check`")
    if proposal.error:
        typer.echo(f"no schema proposed: {proposal.error}")


def show_outcomes(report: ExpectationReport, untold: dict[str, list[str]]) -> None:
    """Each expectation that failed, and what none of them tells."""
    for outcome in report.outcomes:
        if not outcome.success:
            place = f", first row {outcome.rows[0]}" if outcome.rows else ""
            typer.echo(f"{outcome.path or 'table'}: {outcome.rule} ({outcome.expectation}): {outcome.failed:,} rows{place}")
    met = sum(outcome.success for outcome in report.outcomes)
    typer.echo(f"{report.rows:,} rows, {met} of {len(report.outcomes)} expectations met" + (f"; {report.docs}" if report.docs else ""))
    if untold:
        typer.echo("not told: " + "; ".join(f"{name or 'event'}: {', '.join(keywords)}" for name, keywords in untold.items()))
