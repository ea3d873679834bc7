"""`scoring run`: start a job through spark-submit, as production does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streaming.errors import SetupError


class Job(StrEnum):
    """The long-running jobs."""

    score_events = "score-events"
    detect_drift = "detect-drift"


def run(
    job: Annotated[Job, typer.Argument(help="score-events: validate and score the event topic; detect-drift: watch the metrics topic")],
    config: Annotated[Path, typer.Option(help="configuration file")] = Path("conf/local.toml"),
) -> None:
    """Start a job through spark-submit and stay with it until Ctrl-C or SIGTERM; it ends after its batch."""
    from streaming.config import DRIFT_WITHOUT, load_settings
    from streaming.local.jars import jar_paths
    from streaming.local.java import java_home
    from streaming.spark import become, submit_command, submit_environment

    settings = load_settings(config, without=DRIFT_WITHOUT if job is Job.detect_drift else ())
    script = Path(f"jobs/{job.value.replace('-', '_')}.py")
    if not script.is_file():
        raise SetupError(f"{script} is not here; run this in the folder of the project")
    command = submit_command(script, config, settings, jars=jar_paths("spark-kafka"), local_files=jar_paths("local-files"))
    become(command, submit_environment(java_home(), settings.spark.master))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)
