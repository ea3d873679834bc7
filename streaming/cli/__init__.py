"""The command `scoring`: one file per sub-command, each with a `register(app)`."""

from __future__ import annotations

import sys

import typer

from streaming.cli import (
    alerts,
    config,
    data,
    demo,
    drift,
    labels,
    metrics,
    produce,
    quality,
    rejected,
    report,
    run,
    schema,
    services,
    store,
    top,
    topics,
    train,
)
from streaming.errors import ScoringError

app = typer.Typer(
    name="scoring",
    help="Score events from Kafka with scikit-learn models in Spark, and watch how well it goes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
train.register(app)
schema.register(app)
data.register(app)
drift.register(app)
run.register(app)
store.register(app)
metrics.register(app)
demo.register(app)
produce.register(app)
report.register(app)
rejected.register(app)
labels.register(app)
quality.register(app)
top.register(app)
alerts.register(app)
services.register(app)
topics.register(app)
config.register(app)


def main() -> None:
    """Run the command; an error a user can act on is one line on standard error and a non-zero exit code."""
    try:
        app()
    except ScoringError as error:
        sys.stderr.write(f"scoring: {error}\n")
        raise SystemExit(error.exit_code) from None
