"""Checkpoints of released versions: made once by `python -m faults.upgrade FOLDER_OF_THE_RELEASE`, kept for ever, gone on with by tests.

A fixture is a folder tests/fixtures/checkpoints/<release>/: the checkpoint of a query that was killed between plan and commit, and
events.jsonl.gz, what its topic held, by partition and offset.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from faults.evidence import read_topic
from faults.faults_store import new_database
from faults.home import REPOSITORY, Home, quick_machines
from faults.world import World

FIXTURES = REPOSITORY / "tests" / "fixtures" / "checkpoints"
PARTITIONS, EVENTS = 2, 240
_EVENTS = "events.jsonl.gz"


def topic_of(release: str) -> str:
    """Name of a release's topic, as its checkpoint has it."""
    return f"upgrade_{release.replace('.', '_')}"


def make(release: Path, target: Path) -> None:
    """Let a release work on a topic of its own until it is killed behind a plan, and keep what it leaves."""
    scratch = Path(tempfile.mkdtemp(prefix="scoring-upgrade-"))
    home = Home(scratch / "home")
    topic = topic_of(target.name)
    world = World(home, scratch / "run", 1, source=release, topic=topic)
    world.settings["topics"] = {"partitions": PARTITIONS}
    world.settings["stream"] |= {"max_offsets_per_trigger": 40}
    world.job.environment |= {"SCORING_FAULT": "after_plan:4", "PYTHONPATH": f"{world.environment['PYTHONPATH']}:{release}"}
    try:
        _open(world)
        arguments = {"bootstrap": home.bootstrap, "topic": topic, "events": EVENTS, "rate": 400, "seed": 1, "out": world.ledger}
        flags = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
        subprocess.run([sys.executable, str(Path(__file__).with_name("ledger.py")), *flags], check=True)
        world.wait_until("the job was killed behind a plan", lambda: bool(world.job.ends))
        target.mkdir(parents=True)
        shutil.copytree(world.checkpoint, target / "checkpoint")
        with gzip.open(target / _EVENTS, "wt", encoding="utf-8") as file:
            for line in sorted(
                (_line(one) for one in read_topic(home.bootstrap, topic)), key=lambda one: (one["partition"], one["offset"])
            ):
                file.write(json.dumps(line) + "\n")
    finally:
        world.close()
        home.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _open(world: World) -> None:
    """As `World.open`, but with tables that every release knows, and the job is started once only."""
    world.dsn = world.job_dsn = new_database(world)
    text = world.write_config().read_text(encoding="utf-8")
    world.config.write_text(re.sub(r"\[sinks\]\n(\w.*\n)*", "", text), encoding="utf-8")
    for command in (["topics", "create"], ["store", "migrate"]):
        world.scoring(*command)
    world.job.hold.set()
    world.job.start()


def _line(message: Any) -> dict[str, Any]:
    value = message.value()
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "key": message.key().decode(),
        "sent_ms": message.timestamp()[1],
        "value": None if value is None else base64.b64encode(value).decode(),
    }


def events(fixture: Path) -> list[dict[str, Any]]:
    """The messages of a fixture in order of partition and offset; values as bytes, or None."""
    with gzip.open(fixture / _EVENTS, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [line | {"value": None if line["value"] is None else base64.b64decode(line["value"])} for line in lines]


if __name__ == "__main__":
    quick_machines()
    make(Path(sys.argv[1]).resolve(), FIXTURES / version("streaming-scoring"))
