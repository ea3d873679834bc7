"""Faults of the checkpoint: torn, incomplete, another query's, on a full disk, shared by two jobs."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from faults.keeper import Keeper
from faults.operating import stopped, wait_for_word
from faults.registry import fault
from faults.small_disk import SmallDisk
from faults.world import World


def _last(world: World, folder: str) -> Path:
    return max((path for path in (world.checkpoint / folder).iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _halved(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2])


def _gone(path: Path) -> None:
    path.unlink()


def _broken(name: str, harm: Callable[[Path], None], word: str, world: World, rng: random.Random) -> None:
    """A file of the checkpoint is not what it was when the job starts: it says which; it is put back, and the job goes on."""
    world.moment(rng)
    with stopped(world, gently=False):
        path = world.checkpoint / name if name == "metadata" else _last(world, name)
        sum_of = path.with_name(f".{path.name}.crc")
        kept = {one: one.read_bytes() for one in (path, sum_of) if one.exists()}
        sum_of.unlink(missing_ok=True)
        harm(path)
    wait_for_word(world, word)
    world.job.hold.set()
    world.wait_until("the job has ended", lambda: not _runs(world))
    for one, text in kept.items():
        one.write_bytes(text)
    world.job.hold.clear()
    world.over()


def _runs(world: World) -> bool:
    try:
        return world.job.jvm() > 0
    except ProcessLookupError:
        return False


for _name, _harm, _word in (
    ("offsets", _halved, r"offsets/\d+ is torn"),
    ("commits", _halved, r"commits/\d+ is torn; remove it"),
    ("plans", _halved, r"plans/\d+ is torn"),
    ("metadata", _gone, "metadata, with the query's id, is missing"),
):
    _what = "missing" if _harm is _gone else "torn"
    fault(f"checkpoint-{_name}-{_what}", refusal=_word, expects="refused, with the file; whole again, nothing lost")(
        partial(_broken, _name, _harm, _word)
    )


@fault(
    "checkpoint-of-another-query",
    refusal="this checkpoint is of a query that reads",
    expects="refused; with its own again, nothing lost",
)
def start_on_another_checkpoint(world: World, rng: random.Random) -> None:
    """The configuration names the checkpoint of a query of other topics."""
    world.moment(rng)
    other, own = world.folder / "other", world.checkpoint
    with stopped(world):
        shutil.copytree(own, other)
        for path in [one for one in (other / "offsets").iterdir() if one.name.isdigit()]:
            path.write_text(path.read_text().replace(world.topic, "elsewhere"))
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
        world.checkpoint = other
        world.write_config()
        world.checkpoint = own
    wait_for_word(world, "this checkpoint is of a query that reads elsewhere")
    world.write_config()
    world.over()


def on_a_small_disk(world: World, _: random.Random) -> None:
    """The checkpoint lies on a file system of some megabytes."""
    disk = SmallDisk(world.checkpoint, 12)
    world.cleanup.callback(disk.close)
    world.parts["disk"] = disk


@fault("checkpoint-disk-full", prepare=on_a_small_disk)
def fill_the_checkpoints_disk(world: World, rng: random.Random) -> None:
    """Not a byte is left for the checkpoint, for a while."""
    world.moment(rng)
    world.parts["disk"].fill()
    time.sleep(rng.uniform(5, 15))
    world.parts["disk"].free()
    world.over()


# Batches so small that the events outlast the second job's start: two that have nothing to do never meet.
@fault(
    "two-drivers",
    expects="one of the two ends and says why; nothing lost or doubled",
    settings={"stream": {"max_offsets_per_trigger": 15}},
)
def start_it_twice(world: World, rng: random.Random) -> None:
    """The job is started a second time on the same checkpoint; whichever meets the other first ends."""
    world.moment(rng, after=0.0, before=0.1)
    settings = {name: dict(keys) for name, keys in world.settings.items()} | {"http": {"port_file": str(world.folder / "second")}}
    config = world.write_config(world.folder / "second.toml", settings)
    log = world.folder / "second.log"
    second = Keeper(config, log, source=world.source, environment=world.environment)
    second.hold.set()
    second.start()
    word = "another job works on this checkpoint"
    try:
        world.wait_until("one of the two says that it is not alone", lambda: bool(re.search(word, world.log_text() + log.read_text())))
    finally:
        second.kill()
        second.close()
    world.over()
