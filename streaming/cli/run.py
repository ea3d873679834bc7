"""`scoring run`: start a job, as production does: the streaming ones through spark-submit."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streaming.errors import SetupError


class Job(StrEnum):
    """The long-running jobs."""

    score_events = "score-events"
    detect_drift = "detect-drift"
    validate_data = "validate-data"
    join_labels = "join-labels"
    write_metrics = "write-metrics"


def run(
    context: typer.Context,
    job: Annotated[
        Job,
        typer.Argument(
            help="score-events: validate and score the event topic; detect-drift: watch the metrics topic; "
            "write-metrics: keep the metric store from the metrics topic; "
            "validate-data: hold windows of the event topic to their contract, with options of its own: "
            "--last, --every-s, --docs, --file, --no-metadata (`python jobs/validate_data.py --help`); "
            "join-labels: join the labels topic with predictions"
        ),
    ],
    config: Annotated[Path, typer.Option(help="configuration file")] = Path("conf/local.toml"),
) -> None:
    """Start a job and stay with it until Ctrl-C or SIGTERM; it ends after its batch. Spark's jobs run through spark-submit."""
    from streaming.config import load_settings
    from streaming.local.jars import jar_paths
    from streaming.local.java import java_home
    from streaming.service.spark import become, submit_command, submit_environment
    from streaming.settings import DRIFT_WITHOUT

    script = Path(f"jobs/{job.value.replace('-', '_')}.py")
    if not script.is_file():
        raise SetupError(f"{script} is not here; run this in the folder of the project")
    if job is Job.validate_data:
        become([sys.executable, str(script), "--config", str(config), *context.args], dict(os.environ))
    if context.args:
        raise typer.BadParameter(f"{job.value} takes --config and nothing else; found {context.args[0]}")
    if job in (Job.join_labels, Job.write_metrics):  # no Spark in them
        become([sys.executable, str(script), "--config", str(config)], dict(os.environ))
    settings = load_settings(config, without=DRIFT_WITHOUT if job is Job.detect_drift else ())
    command = submit_command(script, config, settings, jars=jar_paths("spark-kafka"), local_files=jar_paths("local-files"))
    become(command, submit_environment(java_home(), settings.spark.master))


def register(app: typer.Typer) -> None:
    """Add the command."""
    # What validate-data alone takes goes on to it as it is.
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run)
