"""The folder that holds everything embedded services and a demo write, and a configuration that points there."""

from __future__ import annotations

import shutil
from pathlib import Path

from streaming.errors import ConfigError
from streaming.local import kafka, postgres
from streaming.local.job_status import jobs
from streaming.local.processes import recall

DEFAULT = Path("var")
MARKER = ".scoring-home"
_TRACES = ("checkpoints", "scoring_log", "registry", "run", "log", "kafka", "postgres", "hbase", "demo", "report.html")


def configuration(config: Path, home: Path) -> Path:
    """The configuration for a home: the file itself for the default home, else a copy under home/conf that points to that home.

    Raises ConfigError if the file cannot be read.
    """
    if home.resolve() == DEFAULT.resolve():
        return config
    try:
        text = config.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{config}: cannot be read ({error.strerror}); name a configuration file with --config") from None
    copy = home / "conf" / config.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(config.parent / "deployments", copy.parent / "deployments", dirs_exist_ok=True)
    schemas = (config.parent / "../schemas").resolve()
    copy.write_text(text.replace("../var/", "../").replace('"../schemas"', f'"{schemas}"'), encoding="utf-8")
    return copy


def claim(home: Path) -> None:
    """Mark a home as ours to clear: a new or empty folder, or one that a demo or `scoring up` wrote in before.

    Raises ConfigError, before anything is written, where the folder holds something else, or a job still runs on it.
    """
    if not _is_ours(home):
        raise ConfigError(f"{home} holds files that are no former demo's, which a demo would remove; name a new folder with --home")
    for job in jobs(home):
        if job.running:
            raise ConfigError(f"{home}: the job {job.name} still answers on port {job.port}; end it, or name another folder with --home")
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


def clear(home: Path) -> None:
    """Remove what a former demo and its services left in a home; anything else in the folder stays. Raises as `claim` does."""
    claim(home)
    for name in _TRACES:
        place = home / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def _is_ours(home: Path) -> bool:
    """Other commands write to the default home too; there only what clearing would remove tells of a stranger."""
    if (home / MARKER).is_file() or any(recall(path(home)) for path in (kafka.memory_file, postgres.memory_file)):
        return True
    present = {path.name for path in home.iterdir()} if home.is_dir() else set()
    return not (present & set(_TRACES) if home.resolve() == DEFAULT.resolve() else present)
