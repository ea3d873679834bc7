"""What `scoring data expectations` does: a file, or a window of a topic as the stream reads it, held to a suite."""

from __future__ import annotations

from pathlib import Path

import typer

from streaming.cli.data_source import Source
from streaming.contracts import Contract
from streaming.contracts.expectation_run import ExpectationReport, run_expectations
from streaming.contracts.expectations import expected_of, prepare_rows, suite_name
from streaming.contracts.expected_frame import read_frame


def hold_to_suite(source: Source, contract: Contract, *, metadata: bool, docs: Path | None) -> ExpectationReport:
    """Hold a file or a window to the suite of a contract. Raises DataError, Unavailable, TopicError, ContractError, SetupError."""
    expected, name = expected_of(contract, metadata=metadata), suite_name(contract)
    if source.name != source.topic:
        frame, unreadable = read_frame(Path(source.name), contract, metadata=metadata)
        return run_expectations(frame, expected, name, docs, unreadable=unreadable)
    window = source.window(contract)
    frame = prepare_rows(window.rows, contract, metadata=metadata)
    return run_expectations(frame, expected, name, docs, unreadable=window.unreadable, refused=window.refused)


def show_beside(report: ExpectationReport) -> None:
    """What was there beside the rows that the suite held, and that there were no rows."""
    if report.unreadable:
        typer.echo(f"unreadable: {report.unreadable:,} hold no event")
    if report.refused:
        told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(report.refused.items(), key=lambda item: (-item[1], item[0])))
        typer.echo(f"the stream rejects: {told}")
    if not report.rows:
        typer.echo("no rows: nothing was held to the suite")
