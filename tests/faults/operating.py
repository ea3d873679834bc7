"""What an operator's hands do in a run: stop the job and start it, mend its configuration, wait for what it says."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its types' __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from faults.world import World


@contextmanager
def stopped(world: World, *, gently: bool = True) -> Iterator[None]:
    """The job is down while the block runs: by SIGTERM after its batch, or by kill -9; then it is started again."""
    world.job.hold.set()
    before = len(world.job.ends)
    if gently:
        os.kill(world.job.jvm(), signal.SIGTERM)
    else:
        world.job.kill()
    world.wait_until("the job has ended", lambda: len(world.job.ends) > before)
    yield
    world.job.hold.clear()


def wait_for_word(world: World, pattern: str) -> str:
    """Wait until the job has said something; returns it. Raises TimeoutError."""
    world.wait_until(f"the job says {pattern}", lambda: re.search(pattern, world.log_text()) is not None)
    found = re.search(pattern, world.log_text())
    return found[0] if found else ""


def admin_of(world: World) -> AdminClient:
    """A client for what only an administrator may do; kept, for its answers come only while it is there."""
    kept: AdminClient = world.parts.setdefault("admin", AdminClient({"bootstrap.servers": world.bootstrap, "log_level": 0}))
    return kept


def ends_of_last_commit(world: World) -> dict[int, int]:
    """Partition of the event topic → where the last committed batch ended, whether or not another has begun since."""
    last = max(int(path.name) for path in (world.checkpoint / "commits").iterdir() if path.name.isdigit())
    ends = json.loads((world.checkpoint / "offsets" / str(last)).read_text(encoding="utf-8").splitlines()[-1])
    return {int(partition): end for partition, end in ends[world.topic].items()}


def configure(world: World, topic: str, name: str, value: str) -> None:
    """Set one setting of a topic; asked again while the brokers are away, for another fault may have taken them."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])

    def taken() -> bool:
        try:
            admin_of(world).incremental_alter_configs([resource], request_timeout=10)[resource].result()
        except KafkaException:
            return False
        return True

    world.wait_until(f"topic {topic} takes {name} = {value}", taken)
