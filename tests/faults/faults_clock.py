"""The job's wall clock jumps: for its own processes only, through a library that stands before the C library's clock."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from pathlib import Path

from faults.registry import fault
from faults.world import World

SOURCE = Path(__file__).with_name("clock.c")


def with_a_clock_of_its_own(world: World, _: random.Random) -> None:
    """Compile the library and load it into the job. Raises RuntimeError where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("the clock cannot be set without a C compiler (cc); install one")
    library, says = world.folder / "clock.so", world.folder / "clock"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    says.write_text("0")
    world.environment |= {"LD_PRELOAD": str(library), "SCORING_CLOCK": str(says)}
    world.parts["clock"] = says


def _set(world: World, off_s: int) -> None:
    says: Path = world.parts["clock"]
    draft = says.with_name("clock.new")
    draft.write_text(str(off_s))
    draft.replace(says)


@fault("clock-jump", prepare=with_a_clock_of_its_own)
def jump_the_clock(world: World, rng: random.Random) -> None:
    """Two hours ahead, back again, some minutes back (less than an event may be ahead), and right again."""
    for number, off_s in enumerate((7200, 0, -rng.randint(60, 240), 0)):
        world.moment(rng, after=0.1 + number * 0.15, before=0.2 + number * 0.15)
        _set(world, off_s)
        time.sleep(rng.uniform(2, 6))
    world.over()
