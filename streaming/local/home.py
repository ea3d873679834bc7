"""The folder that holds everything embedded services and a demo write, and a configuration that points there."""

from __future__ import annotations

import shutil
from pathlib import Path

from streaming.errors import ConfigError

DEFAULT = Path("var")
_TRACES = ("checkpoints", "scoring_log", "registry", "run", "log", "kafka", "postgres", "demo", "report.html")


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


def clear(home: Path) -> None:
    """Remove what a former demo and its services left in a home; anything else in the folder stays."""
    for name in _TRACES:
        place = home / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
