"""Kafka brokers of one run's own: several, that elect leaders among them, and, where asked for, behind proxies."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, PartitionMetadata  # type: ignore[attr-defined]  # not in its __all__
from faults.proxy import Proxy

from streaming.local.jars import jar_paths
from streaming.local.java import find_java
from streaming.local.processes import free_port

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=DIRECT://127.0.0.1:{direct},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=DIRECT://127.0.0.1:{direct},PROXIED://127.0.0.1:{proxied}
listener.security.protocol.map=DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=DIRECT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes=17825792
replica.fetch.max.bytes=17825792
log.retention.ms=-1
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
replica.lag.time.max.ms=4000
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
log.cleaner.dedupe.buffer.size=16777216
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor={nodes}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class Cluster:
    """Brokers 1 to `nodes`, each a process of its own, and a proxy before each. Started, and ready, once it is made.

    bootstrap: their own addresses; proxied: those of the proxies, which a client that begins there is also sent back to.
    """

    def __init__(self, folder: Path, nodes: int) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ports = {node: (free_port(), free_port(), free_port()) for node in range(1, nodes + 1)}
        self.proxies = {node: Proxy(behind) for node, (_, behind, _) in self._ports.items()}
        self.bootstrap = ",".join(f"127.0.0.1:{direct}" for direct, _, _ in self._ports.values())
        self.proxied = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies.values())
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        silent: dict[str, Any] = {"log_level": 0, "error_cb": lambda _: None}
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap, **silent})
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for node in self._ports:
            self._format(node, cluster)
            self.start(node)
        self.wait_until("every broker is there", lambda: len(self._alive()) == nodes)

    def start(self, node: int) -> None:
        """Start a broker, without waiting for it."""
        with (self._folder / f"broker-{node}.log").open("ab") as log:
            command = self._java("kafka.Kafka", str(self._folder / f"{node}.properties"))
            self._processes[node] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill(self, node: int) -> None:
        """kill -9 of a broker."""
        self._processes[node].kill()
        self._processes[node].wait()

    def pause(self, node: int) -> None:
        """SIGSTOP: it hangs, and its connections stay open."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """SIGCONT."""
        self._processes[node].send_signal(signal.SIGCONT)

    def leaders(self, topic: str) -> dict[int, int]:
        """Partition → node that leads it, -1 for none; nothing while nobody tells."""
        return {part.id: part.leader for part in self._partitions(topic)}

    def in_sync(self, topic: str) -> int:
        """The smallest number of in-sync replicas of a partition; 0 while nobody tells."""
        return min((len(part.isrs) for part in self._partitions(topic)), default=0)

    def wait_until(self, what: str, condition: Callable[[], bool], *, at_most_s: float = 90) -> None:
        """Wait for a condition. Raises TimeoutError."""
        end = time.monotonic() + at_most_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {at_most_s:.0f} s in vain until {what}; see {self._folder}/broker-*.log")
            time.sleep(0.2)

    def close(self) -> None:
        """End brokers and proxies; the files stay."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        for proxy in self.proxies.values():
            proxy.close()

    def _partitions(self, topic: str) -> list[PartitionMetadata]:
        told = self._told()
        return [*told.topics[topic].partitions.values()] if told and topic in told.topics else []

    def _alive(self) -> set[int]:
        told = self._told()
        return set(told.brokers) if told else set()

    def _told(self) -> ClusterMetadata | None:
        try:
            return self.admin.list_topics(timeout=5)
        except KafkaException:
            return None

    def _format(self, node: int, cluster: str) -> None:
        direct, behind, controller = self._ports[node]
        voters = ",".join(f"{other}@127.0.0.1:{ports[2]}" for other, ports in self._ports.items())
        path = self._folder / f"{node}.properties"
        text = PROPERTIES.format(
            node=node, nodes=len(self._ports), voters=voters, direct=direct, behind=behind, controller=controller,
            proxied=self.proxies[node].port, data=self._folder / f"data-{node}",
        )  # fmt: skip
        path.write_text(text, encoding="utf-8")
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(path))
        subprocess.run(command, check=True, capture_output=True)

    @staticmethod
    def _java(main_class: str, *arguments: str) -> list[str]:
        class_path = os.pathsep.join(str(path) for path in jar_paths("broker"))
        small = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.apache.logging.log4j.level=WARN"]
        return [str(find_java()), *small, "-cp", class_path, main_class, *arguments]
