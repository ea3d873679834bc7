"""What the programs that measure on a stand share: flags, services that end with them, one line for an error, the summary as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from stand import REPOSITORY, Stand, parse_overrides

from streaming.errors import ScoringError
from streaming.local import services

Run = Callable[[argparse.Namespace, Console], dict[str, Any]]
Show = Callable[[Console, dict[str, Any]], int]


def shared_flags(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the flags that every such program has."""
    parser.add_argument("--entities", type=int, default=2000, help="distinct customers (default 2,000)")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="a setting of the jobs; may be given again")
    parser.add_argument("--summary", type=Path, help="write everything as JSON to this file")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and data there")
    return parser


def carry_out(options: argparse.Namespace, run: Run, show: Show) -> int:
    """Run, write the summary, show. Returns the exit code: what `show` says, 1 with a line after an error, 130 after Ctrl-C or SIGTERM."""
    console = Console()
    summary = options.summary.resolve() if options.summary else None
    os.chdir(REPOSITORY)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = run(options, console)
    except ScoringError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if summary:
        summary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return show(console, found)


@contextmanager
def running_stand(options: argparse.Namespace, console: Console) -> Iterator[Stand]:
    """A stand with services of its own, which end with it however that comes."""
    overrides = parse_overrides(options.set)
    home = Path(tempfile.mkdtemp(prefix="scoring-bench-"))
    try:
        console.print("services start, a model is trained …")
        yield Stand(home, overrides)
    finally:
        _end(home, options.keep, console)


def _end(home: Path, keep: bool, console: Console) -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    services.down(home)
    if keep:
        console.print(f"logs and data are in {home}")
    else:
        shutil.rmtree(home)
    for number, handler in before.items():
        signal.signal(number, handler)


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """What a run is to be compared with: time, cores, the load before, the versions of Python and of these packages."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
