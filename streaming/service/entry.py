"""What the spark-submit entry points share: one option, one line for an error, an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from streaming.errors import ScoringError


def main(name: str, description: str | None, job: Callable[[Path], None]) -> int:
    """Run a job with the configuration file that --config names.

    Returns 0 when a signal ended it; for a fault that a user can mend writes one line and returns its exit code.
    """
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    try:
        job(parser.parse_args().config)
    except ScoringError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return error.exit_code
    return 0
