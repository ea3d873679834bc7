"""Recurring job: hold the newest events to their contract every so often (see streaming/report/data_watch.py)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from streaming.errors import ScoringError
from streaming.report.data_watch import watch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("conf/local.toml"), help="configuration file")
    parser.add_argument("--last", type=int, default=10_000, help="newest events in a window")
    parser.add_argument("--every-s", type=float, default=3600, help="seconds between two windows")
    parser.add_argument("--docs", type=Path, help="folder for Great Expectations' Data Docs")
    given = parser.parse_args()
    try:
        watch(given.config, last=given.last, every_s=given.every_s, docs=given.docs)
    except ScoringError as error:
        sys.stderr.write(f"validate_data: {error}\n")
        sys.exit(error.exit_code)
