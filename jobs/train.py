"""Train, measure and register the deployment's model: `python jobs/train.py --config conf/local.toml --data TABLE.csv`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from streaming.config import load_settings
from streaming.errors import ScoringError
from streaming.local.table import train_table


def main() -> int:
    """Returns the exit code; an error a user can act on is one line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--config", type=Path, default=Path("conf/local.toml"))
    arguments.add_argument("--data", type=Path, default=Path("examples/churn/telco_churn.csv"))
    options = arguments.parse_args()
    try:
        version, artifact = train_table(load_settings(options.config), options.data)
    except ScoringError as error:
        sys.stderr.write(f"train: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{version.name} version {version.version}: {artifact.manifest.metrics}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
