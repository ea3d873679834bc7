"""spark-submit entry point: watch the metrics topic for drift until SIGTERM (see streaming/detect_drift.py)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from streaming.detect_drift import detect_drift
from streaming.errors import ScoringError


def main() -> int:
    """Run the job; a fault that a user can mend is one line and a non-zero exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    try:
        detect_drift(parser.parse_args().config)
    except ScoringError as error:
        sys.stderr.write(f"detect_drift: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
