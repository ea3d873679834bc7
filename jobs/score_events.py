"""spark-submit entry point: score the events of a topic until SIGTERM (see streaming/score_events.py)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from streaming.errors import ScoringError
from streaming.score_events import score_events


def main() -> int:
    """Run the job; a fault that a user can mend is one line and a non-zero exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration file (TOML)")
    try:
        score_events(parser.parse_args().config)
    except ScoringError as error:
        sys.stderr.write(f"score_events: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
