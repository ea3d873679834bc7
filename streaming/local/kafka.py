"""A one-node Kafka broker (KRaft) on loopback, for the demo, the tests and a developer's machine.

*Delivery*: what a real broker gives; `acks=all` means this one node's page cache, which a killed broker survives and a power cut may not.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from streaming.errors import ServiceError
from streaming.local.jars import jar_paths
from streaming.local.java import find_java
from streaming.local.processes import Remembered, free_port, launch, recall, remember, stop, wait_until_ready

MAX_MESSAGE_BYTES = 17 * 1024 * 1024  # a third above the largest event, so that the rejected topic can hold it with its headers
HEAP = "-Xmx512m"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={max_bytes}
replica.fetch.max.bytes={max_bytes}
log.retention.ms=-1
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
log.cleaner.dedupe.buffer.size=16777216
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


def memory_file(home: Path) -> Path:
    """Where pid and ports are remembered."""
    return home / "run" / "kafka.json"


def log_file(home: Path) -> Path:
    """What the broker says."""
    return home / "log" / "kafka.log"


def start(home: Path) -> Remembered:
    """Start the broker if it does not run, on the ports and data of last time; wait until it answers.

    Raises ServiceError if it does not come up (the log is named), SetupError if Java or its archives are missing.
    """
    memory = recall(memory_file(home)) or Remembered(port=0)
    if memory.process() is None:
        memory = replace(memory.again(), extra_port=free_port())
        properties = _configure(home, memory)
        memory = launch(_java("kafka.Kafka", str(properties)), log=log_file(home), memory=memory)
        remember(memory_file(home), memory)
    wait_until_ready("kafka", memory, lambda: answers(bootstrap(memory)), log=log_file(home))
    return memory


def halt(home: Path) -> bool:
    """Stop the broker if it runs; its data and port stay. Returns whether it ran."""
    memory = recall(memory_file(home))
    if memory is None or not stop(memory, signal.SIGTERM):
        return False
    remember(memory_file(home), Remembered(port=memory.port, extra_port=memory.extra_port))
    return True


def bootstrap(memory: Remembered) -> str:
    """host:port of the broker."""
    return f"127.0.0.1:{memory.port}"


def answers(address: str, *, timeout_s: float = 2) -> bool:
    """Whether a broker at `address` lists its topics within timeout_s."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    # The client would log each refused connection on standard error while the broker is starting.
    silent: dict[str, Any] = {"log_level": 0, "error_cb": lambda _: None}
    admin = AdminClient({"bootstrap.servers": address, **silent})
    try:
        admin.list_topics(timeout=timeout_s)
    except KafkaException:
        return False
    return True


def _configure(home: Path, memory: Remembered) -> Path:
    """Write server.properties, and format the storage the first time."""
    data = (home / "kafka" / "data").resolve()
    data.mkdir(parents=True, exist_ok=True)
    properties = home / "kafka" / "server.properties"
    properties.write_text(
        PROPERTIES.format(broker=memory.port, controller=memory.extra_port, data=data, max_bytes=MAX_MESSAGE_BYTES), encoding="utf-8"
    )
    if not (data / "meta.properties").is_file():
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = _java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties), "--ignore-formatted")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServiceError(f"kafka: formatting {data} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}; remove it")
    return properties.resolve()


def _java(main_class: str, *arguments: str) -> list[str]:
    class_path = os.pathsep.join(str(path) for path in jar_paths("broker"))
    quiet = "-Dorg.apache.logging.log4j.level=WARN"
    return [str(find_java()), HEAP, "-XX:+ExitOnOutOfMemoryError", quiet, "-cp", class_path, main_class, *arguments]
