"""A file, or a window of a topic as the stream reads it, held to the suite of a contract row by row."""

from __future__ import annotations

from pathlib import Path

from streaming.contracts import Contract
from streaming.contracts.expectation_run import ExpectationReport, run_expectations
from streaming.contracts.expectations import expected_of, prepare_rows, suite_name
from streaming.contracts.expected_frame import read_frame
from streaming.report.data_window import Window


def file_in_suite(file: Path, contract: Contract, *, metadata: bool = True, docs: Path | None = None) -> ExpectationReport:
    """Hold a file to the suite. metadata: whether ids and times stand in it; docs: folder for Data Docs. Raises DataError, SetupError."""
    frame, unreadable = read_frame(file, contract, metadata=metadata)
    return run_expectations(frame, expected_of(contract, metadata=metadata), suite_name(contract), docs, unreadable=unreadable)


def window_in_suite(window: Window, contract: Contract, *, metadata: bool = True, docs: Path | None = None) -> ExpectationReport:
    """Hold a window to the suite; what is no event, and what the stream refuses, is counted beside it. Raises SetupError."""
    frame = prepare_rows(window.rows, contract, metadata=metadata)
    expected = expected_of(contract, metadata=metadata)
    return run_expectations(frame, expected, suite_name(contract), docs, unreadable=window.unreadable, refused=window.refused)
