"""Options of the job jobs/validate_data.py."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from streaming.errors import ScoringError
from streaming.report.data_watch import watch, watch_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch the event topic until a signal, or hold one file to its contract.

    Returns 0, for a file in which something is wrong 1, and for a fault that a user can mend the error's exit code, after
    one line on standard error.
    """
    given = _parser().parse_args(arguments)
    try:
        if given.file is not None:
            return 0 if watch_file(given.config, given.file, metadata=not given.no_metadata, docs=given.docs) else 1
        watch(given.config, last=given.last, every_s=given.every_s, docs=given.docs)
    except ScoringError as error:
        sys.stderr.write(f"validate_data: {error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="validate_data",
        description="Hold the newest events to the deployment's contract every so often, or one file once, and publish what was found.",
    )
    parser.add_argument("--config", type=Path, default=Path("conf/local.toml"), help="configuration file (conf/local.toml)")
    parser.add_argument("--last", type=_number, default=10_000, help="newest events in a window (10000)")
    parser.add_argument("--every-s", type=_seconds, default=3600.0, help="seconds between two windows (3600)")
    parser.add_argument("--docs", type=Path, help="folder for Great Expectations' Data Docs")
    parser.add_argument("--file", type=Path, help="a file, say the input of a batch, instead of windows; exit code 1 if something is wrong")
    parser.add_argument("--no-metadata", action="store_true", help="the file lacks ids and times (x-role metadata)")
    return parser


def _number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is no number of events; expected 1 or more")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1e6:  # also refuses nan
        raise argparse.ArgumentTypeError(f"{text} is no pause; expected seconds above 0, at most 1000000")
    return value
