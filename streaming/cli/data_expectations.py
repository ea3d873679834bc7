"""What `scoring data expectations` does: a file, or a window of a topic as the stream reads it, held to a suite."""

from __future__ import annotations

from pathlib import Path

import typer

from streaming.cli.data_source import Source
from streaming.contracts import Contract
from streaming.contracts.expectation_run import ExpectationReport
from streaming.report.data_suite import file_in_suite, window_in_suite


def hold_to_suite(source: Source, contract: Contract, *, metadata: bool, docs: Path | None) -> ExpectationReport:
    """Hold a file or a window to the suite of a contract. Raises DataError, Unavailable, TopicError, ContractError, SetupError."""
    if source.name != source.topic:
        return file_in_suite(Path(source.name), contract, metadata=metadata, docs=docs)
    return window_in_suite(source.window(contract), contract, metadata=metadata, docs=docs)


def show_beside(report: ExpectationReport) -> None:
    """What was there beside the rows that the suite held, and that there were no rows."""
    if report.unreadable:
        typer.echo(f"unreadable: {report.unreadable:,} hold no event")
    if report.refused:
        told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(report.refused.items(), key=lambda item: (-item[1], item[0])))
        typer.echo(f"the stream rejects: {told}")
    if not report.rows:
        typer.echo("no rows: nothing was held to the suite")
